// Request bodies: what is read out of a right one, and where a wrong one is pointed at.
#include "api/body_reader.hpp"
#include "api/object_reader.hpp"

#include <gtest/gtest.h>

using namespace std::string_literals;
using namespace std::string_view_literals;

namespace tokpay {

namespace {

using Pointers = std::vector<std::string>;

const std::string credit = R"({"account":"2","amount":3})";

template<class T> Pointers pointers(const Result<T> &result) {
	Pointers found;
	if (result)
		return {"no error"};
	EXPECT_EQ(result.error().status, 422u) << result.error().detail;
	EXPECT_STREQ(result.error().code, "invalid_request");
	for (const FieldError &error : result.error().errors)
		found.push_back(error.pointer);
	return found;
}

std::string transfer(std::string_view member, std::string_view value) {
	std::string body = R"({"credits":[)" + credit + "]";
	if (member != "debit")
		body += R"(,"debit":"1")";
	body.append(",\"").append(member).append("\":").append(value);
	return body + '}';
}

std::string batch(const std::string &members) {
	return R"({"transfers":[{"key":"k","debit":"1","credits":[)" + credit + "]" + members + "}]}";
}

std::string repeated(size_t count, const std::string &element) {
	std::string list;
	for (size_t i = 0; i < count; i++)
		list.append(list.empty() ? "" : ",").append(element);
	return '[' + list + ']';
}

// Ids and keys

TEST(Ids, AreOneTo19DigitsWithinInt64) {
	EXPECT_EQ(parse_id("1"), 1);
	EXPECT_EQ(parse_id("9223372036854775807"), INT64_MAX);
	for (const std::string_view text :
		{""sv, "0"sv, "01"sv, "-1"sv, "+1"sv, " 1"sv, "1 "sv, "1.0"sv, "1e1"sv, "x"sv,
			"9223372036854775808"sv, "10000000000000000000"sv, "1\0"sv, "\0"sv, "١"sv})
		EXPECT_EQ(parse_id(text), std::nullopt) << text;
}

Result<std::string> key_of(std::string_view value) {
	HttpRequest request;
	request.headers = {{"Idempotency-Key", value}};
	return idempotency_key(request);
}

TEST(IdempotencyKey, IsQuotedOrBarePrintableAscii) {
	const std::pair<std::string, std::string> cases[] = {{"k", "k"}, {"\"k\"", "k"}, {"a b", "a b"},
		{R"("a\"b\\c")", R"(a"b\c)"}, {"~!", "~!"}, {"\"", "\""}, {"\"k", "\"k"}, {"k\"", "k\""},
		{std::string(200, 'x'), std::string(200, 'x')},
		{'"' + std::string(200, 'x') + '"', std::string(200, 'x')}};
	for (const auto &[value, key] : cases) {
		const auto read = key_of(value);
		ASSERT_TRUE(read) << value;
		EXPECT_EQ(*read, key);
	}
}

TEST(IdempotencyKey, IsRefusedOtherwise) {
	EXPECT_EQ(idempotency_key(HttpRequest()).error().status, 400u);
	EXPECT_STREQ(idempotency_key(HttpRequest()).error().code, "idempotency_key_missing");
	for (const std::string &value : {""s, "\"\""s, std::string(201, 'x'), "é"s, "a\tb"s, "\x7f"s})
		EXPECT_EQ(key_of(value).error().status, 422u) << value;
	HttpRequest twice;
	twice.headers = {{"Idempotency-Key", "a"}, {"idempotency-key", "a"}};
	EXPECT_EQ(idempotency_key(twice).error().status, 422u);
}

// Whole bodies

TEST(Bodies, ThatAreNotJsonAre400AndNoObjects422) {
	for (const char *body : {"", "{", "{\"a\":1,\"a\":2}", "{\"debit\":\"\xff\"}"}) {
		const auto read = read_transfer_body(body);
		ASSERT_FALSE(read);
		EXPECT_EQ(read.error().status, 400u) << body;
		EXPECT_STREQ(read.error().code, "malformed_json");
	}
	for (const char *body : {"[]", "null", "1", "\"x\"", "true"})
		EXPECT_EQ(pointers(read_transfer_body(body)), Pointers({""})) << body;
}

TEST(Transfers, AreReadWhole) {
	const auto read = read_transfer_body(
		R"({"metadata":{"b":1.50,"a":["x",12345678901234567890]},"debit":"1","description":"dé",)"
		R"("credits":[{"amount":9223372036854775807,"account":"2"},{"account":"3","amount":1}]})");
	ASSERT_TRUE(read);
	EXPECT_EQ(read->debit, 1);
	ASSERT_EQ(read->credits.size(), 2u);
	EXPECT_EQ(read->credits[0].account, 2);
	EXPECT_EQ(read->credits[0].amount, INT64_MAX);
	EXPECT_EQ(read->credits[1].account, 3);
	EXPECT_EQ(read->description, "dé");
	EXPECT_EQ(read->metadata, R"({"b":1.50,"a":["x",12345678901234567890]})");
	EXPECT_EQ(read->key, "");
	EXPECT_FALSE(read->chain);
}

TEST(Transfers, HaveOptionalMembersThatMayBeNull) {
	const auto read = read_transfer_body(
		R"({"debit":"1","credits":[)" + credit + R"(],"description":null,"metadata":null})");
	ASSERT_TRUE(read);
	EXPECT_FALSE(read->description);
	EXPECT_FALSE(read->metadata);
}

TEST(Transfers, ThatAreWrongArePointedAt) {
	const std::pair<std::string, Pointers> cases[] = {
		{"{}", {"/debit", "/credits"}},
		{transfer("debit", "1"), {"/debit"}},
		{transfer("debit", "null"), {"/debit"}},
		{transfer("debit", "\"01\""), {"/debit"}},
		{transfer("description", "1"), {"/description"}},
		{transfer("description", R"("\u0000")"), {"/description"}},
		{transfer("description", '"' + std::string(10001, 'x') + '"'), {"/description"}},
		{transfer("metadata", "[]"), {"/metadata"}},
		{transfer("metadata", R"({"a":{"b":[1,"\u0000"]}})"), {"/metadata/a/b/1"}},
		{transfer("metadata", R"({"a\u0000":1})"), {"/metadata/a\0"s}},
		{transfer("metadata", R"({"a":1e1001})"), {"/metadata/a"}},
		{transfer("metadata", R"({"x":1,"a":-1e-1001})"), {"/metadata/a"}},
		{transfer("metadata", "{\"a\":" + std::string(101, '9') + "}"), {"/metadata/a"}},
		{transfer("metadata", "{\"a\":" + repeated(66, "1e1000") + "}"), {"/metadata"}},
		{transfer("metadata", "{\"a\":" + repeated(66, "1E-1000") + "}"), {"/metadata"}},
		{transfer("metadata", "{\"a\":\"" + std::string(65536, 'x') + "\"}"), {"/metadata"}},
		{transfer("key", "\"k\""), {"/key"}},
		{transfer("chain", "1"), {"/chain"}},
		{R"({"debit":"1","credits":null})", {"/credits"}},
		{R"({"debit":"1","credits":{}})", {"/credits"}},
		{R"({"debit":"1","credits":[]})", {"/credits"}},
		{R"({"debit":"1","credits":)" + repeated(10001, credit) + "}", {"/credits"}},
		{R"({"debit":"1","credits":[1,null,[]]})", {"/credits/0", "/credits/1", "/credits/2"}},
		{R"({"debit":"1","credits":[{}]})", {"/credits/0/account", "/credits/0/amount"}},
		{R"({"debit":"1","credits":[)" + credit + R"(,{"account":2,"amount":1,"x":1}]})",
			{"/credits/1/account", "/credits/1/x"}},
		{R"({"debit":1,"credits":[{"account":"0","amount":0}],"x":1})",
			{"/debit", "/credits/0/account", "/credits/0/amount", "/x"}},
	};
	for (const auto &[body, wanted] : cases)
		EXPECT_EQ(pointers(read_transfer_body(body)), wanted) << body.substr(0, 200);
}

TEST(Transfers, HaveAmountsThatArePositiveIntegers) {
	for (const char *amount : {"0", "-1", "-0", "1.5", "1.0", "1e2", "1e400", "9223372036854775808",
			 "-9223372036854775808", "\"1\"", "null", "true", "[1]", "{}"}) {
		const std::string body =
			R"({"debit":"1","credits":[{"account":"2","amount":)"s + amount + "}]}";
		EXPECT_EQ(pointers(read_transfer_body(body)), Pointers({"/credits/0/amount"})) << amount;
	}
}

TEST(Transfers, HaveBoundsThatAreReached) {
	const auto credits =
		read_transfer_body(R"({"debit":"1","credits":)" + repeated(10000, credit) + "}");
	ASSERT_TRUE(credits);
	EXPECT_EQ(credits->credits.size(), 10000u);
	for (const std::string &body : {transfer("description", '"' + std::string(10000, 'x') + '"'),
			 transfer("metadata", "{\"a\":\"" + std::string(65528, 'x') + "\"}"),
			 transfer(
				 "metadata", "{\"a\":1e1000,\"b\":1E-1000,\"c\":" + std::string(100, '9') + "}")})
		EXPECT_TRUE(read_transfer_body(body)) << body.substr(0, 200);
	EXPECT_TRUE(read_transfer_body(transfer("metadata", "{\"a\":" + repeated(65, "1e1000") + "}")));
}

// RFC 6901: a tilde in a name is ~0, a slash is ~1.
TEST(Pointers, AreEscaped) {
	EXPECT_EQ(pointers(read_transfer_body(transfer("a/b~c", "1"))), Pointers({"/a~1b~0c"}));
	EXPECT_EQ(pointers(read_transfer_body(transfer("", "1"))), Pointers({"/"}));
}

TEST(Batches, HaveAKeyForEveryTransferAndMayHaveChains) {
	const auto read = read_transfer_batch(batch(R"(,"chain":-2147483648,"metadata":{})"));
	ASSERT_TRUE(read);
	ASSERT_EQ(read->size(), 1u);
	EXPECT_EQ(read->front().key, "k");
	EXPECT_EQ(read->front().chain, INT32_MIN);
	EXPECT_EQ(read->front().metadata, "{}");
}

TEST(Batches, ThatAreWrongArePointedAtWithThePlaceOfTheTransfer) {
	const std::string good = R"({"key":"k","debit":"1","credits":[)" + credit + "]}";
	const std::pair<std::string, Pointers> cases[] = {
		{"{}", {"/transfers"}},
		{R"({"transfers":[]})", {"/transfers"}},
		{R"({"transfers":)" + repeated(10001, good) + "}", {"/transfers"}},
		{R"({"transfers":[)" + good + ",1]}", {"/transfers/1"}},
		{R"({"transfers":[)" + good + R"(,{"key":"k","debit":"1","credits":[{"account":"2"}]}]})",
			{"/transfers/1/credits/0/amount"}},
		{batch(R"(,"chain":"1")"), {"/transfers/0/chain"}},
		{batch(R"(,"chain":2147483648)"), {"/transfers/0/chain"}},
		{batch(R"(,"chain":1.0)"), {"/transfers/0/chain"}},
		{batch(R"(,"x":1)"), {"/transfers/0/x"}},
		{R"({"transfers":[)" + good + R"(],"x":1})", {"/x"}},
	};
	for (const auto &[body, wanted] : cases)
		EXPECT_EQ(pointers(read_transfer_batch(body)), wanted) << body.substr(0, 200);
}

TEST(Batches, HaveKeysOf1To200BytesEachFaultToldOnce) {
	for (const std::string key : {"\"\"", "1", "null", R"("\u0000")", ""}) {
		const std::string member = key.empty() ? "" : R"("key":)" + key + ',';
		const std::string body =
			R"({"transfers":[{)" + member + R"("debit":"1","credits":[)" + credit + "]}]}";
		EXPECT_EQ(pointers(read_transfer_batch(body)), Pointers({"/transfers/0/key"})) << key;
	}
}

TEST(Batches, HaveAtMost100000CreditsInAll) {
	const auto body = [](size_t last) {
		const std::string head = R"({"key":"k","debit":"1","credits":)";
		const std::string full = head + repeated(10000, credit) + "},";
		std::string transfers;
		for (int i = 0; i < 9; i++)
			transfers += full;
		return R"({"transfers":[)" + transfers + full + head + repeated(last, credit) + "}]}";
	};
	EXPECT_EQ(pointers(read_transfer_batch(body(1))), Pointers({"/transfers"}));
	EXPECT_TRUE(read_transfer_batch(
		R"({"transfers":)" +
		repeated(10, R"({"key":"k","debit":"1","credits":)" + repeated(10000, credit) + "}") +
		"}"));
}

// Else 8 MiB of them would come back as a gigabyte.
TEST(Batches, HaveBoundedMetadataInAll) {
	const std::string metadata = R"(,"metadata":{"a":)" + repeated(64, "1e1000") + "}}";
	const std::string one = R"({"key":"k","debit":"1","credits":[)" + credit + ']' + metadata;
	EXPECT_TRUE(read_transfer_batch(R"({"transfers":)" + repeated(131, one) + '}'));
	EXPECT_EQ(pointers(read_transfer_batch(R"({"transfers":)" + repeated(132, one) + '}')),
		Pointers({"/transfers"}));
}

// The other bodies

TEST(TopUps, HaveAnAccountAndAnAmount) {
	const auto read = read_top_up(credit);
	ASSERT_TRUE(read);
	EXPECT_EQ(read->account, 2);
	EXPECT_EQ(read->amount, 3);
	EXPECT_EQ(pointers(read_top_up("{}")), Pointers({"/account", "/amount"}));
	EXPECT_EQ(pointers(read_top_up(R"({"account":2,"amount":"3","x":1})")),
		Pointers({"/account", "/amount", "/x"}));
}

TEST(BalanceQueries, AreListsOfIds) {
	const auto read = read_balances_query(R"({"accounts":["3","1","3"]})");
	ASSERT_TRUE(read);
	EXPECT_EQ(*read, (std::vector<int64_t>{3, 1, 3}));
	EXPECT_EQ(pointers(read_balances_query(R"({"accounts":["1",2,"0",null]})")),
		Pointers({"/accounts/1", "/accounts/2", "/accounts/3"}));
	EXPECT_EQ(pointers(read_balances_query(R"({"accounts":[]})")), Pointers({"/accounts"}));
	EXPECT_TRUE(read_balances_query("{\"accounts\":" + repeated(10000, "\"1\"") + "}"));
	EXPECT_EQ(pointers(read_balances_query("{\"accounts\":" + repeated(10001, "\"1\"") + "}")),
		Pointers({"/accounts"}));
}

TEST(Accounts, HaveDefaultsAndAFloorUnlessItIsNull) {
	const auto empty = read_account("{}");
	ASSERT_TRUE(empty);
	EXPECT_FALSE(empty->name || empty->max_balance || empty->owner);
	EXPECT_EQ(empty->currency, "USD");
	EXPECT_EQ(empty->min_balance, 0);
	EXPECT_EQ(empty->metadata, "{}");
	EXPECT_EQ(read_account(R"({"min_balance":null})")->min_balance, std::nullopt);
	const auto full = read_account(
		R"({"name":"n","currency":"EUR","min_balance":-5,"max_balance":5,"metadata":{"a":1},"owner":"o"})");
	ASSERT_TRUE(full);
	EXPECT_EQ(full->name, "n");
	EXPECT_EQ(full->min_balance, -5);
	EXPECT_EQ(full->max_balance, 5);
	EXPECT_EQ(full->metadata, "{\"a\":1}");
	EXPECT_EQ(full->owner, "o");
}

TEST(Accounts, ThatAreWrongArePointedAt) {
	EXPECT_EQ(pointers(read_account(
				  R"({"name":1,"currency":[],"min_balance":"0","max_balance":1.5,"metadata":1,)"
				  R"("owner":{},"balance":1})")),
		Pointers({"/name", "/currency", "/min_balance", "/max_balance", "/metadata", "/owner",
			"/balance"}));
}

TEST(Accounts, ThatNoLedgerOpensArePointedAt) {
	for (const std::string currency :
		{"", "US", "usd", "USd", "1SD", "US-", "ABCDEFGHIJKLM", "ÜSD"})
		EXPECT_EQ(
			pointers(read_account("{\"currency\":\"" + currency + "\"}")), Pointers({"/currency"}))
			<< currency;
	for (const std::string limit : {"4611686018427387905", "-4611686018427387905"})
		for (const std::string name : {"min_balance", "max_balance"}) {
			const std::string body = "{\"" + name + "\":" + limit + '}';
			EXPECT_EQ(pointers(read_account(body)), Pointers({'/' + name})) << body;
			EXPECT_EQ(pointers(read_account_patch(body)), Pointers({'/' + name})) << body;
		}
	EXPECT_EQ(pointers(read_account(R"({"name":"","owner":"","min_balance":1})")),
		Pointers({"/name", "/min_balance", "/owner"}));
	EXPECT_EQ(pointers(read_account(R"({"name":"funding/USD"})")), Pointers({"/name"}));
	for (const std::string body :
		{R"({"min_balance":-4611686018427387904,"max_balance":4611686018427387904})",
			R"({"currency":"ABCDEFGHIJK2","name":"f","owner":"o"})"})
		EXPECT_TRUE(read_account(body)) << body;
}

TEST(Captures, OfNothingArePointedAt) {
	EXPECT_EQ(pointers(read_capture(R"({"amounts":[0,0]})")), Pointers({"/amounts"}));
	EXPECT_EQ(pointers(read_capture(R"({"amounts":[0,-1]})")), Pointers({"/amounts/1"}));
	EXPECT_TRUE(read_capture(R"({"amounts":[0,1]})"));
}

// Messages

TEST(Details, SayWhatIsExpected) {
	const std::pair<Problem, const char *> cases[] = {
		{read_transfer_body("[]").error(), "The body: expected an object"},
		{read_balances_query(R"({"accounts":["0"]})").error(),
			"/accounts/0: expected an id: a string of digits without a leading zero, at most "
			"9223372036854775807"},
		{read_account_patch(R"({"status":null})").error(),
			"/status: expected one of open, frozen, closed"},
		{read_transfer_body(transfer("metadata", R"({"a":1e131071})")).error(),
			"/metadata/a: expected a number of at most 100 characters, its exponent from -1000 to "
			"1000"},
	};
	for (const auto &[problem, detail] : cases)
		EXPECT_EQ(problem.detail, detail);
}

// People

TEST(Addresses, AreTextsOfAnyKind) {
	const auto request = read_addresses(R"({"account":"7","emails":["a@b.example","","x y"]})");
	ASSERT_TRUE(request);
	EXPECT_EQ(request->account, 7);
	EXPECT_EQ(request->emails, (std::vector<std::optional<std::string>>{"a@b.example", "", "x y"}));
	EXPECT_TRUE(read_addresses(R"({"account":"7","emails":)" + repeated(1000, "\"\"") + '}'));
}

TEST(Addresses, ThatAreWrongArePointedAt) {
	EXPECT_EQ(pointers(read_addresses("{}")), Pointers({"/account", "/emails"}));
	EXPECT_EQ(pointers(read_addresses(R"({"account":"7","emails":[1,"a",null,"\u0000"],"x":1})")),
		Pointers({"/emails/0", "/emails/2", "/emails/3", "/x"}));
	EXPECT_EQ(
		pointers(read_addresses(R"({"account":"7","emails":)" + repeated(1001, "\"\"") + '}')),
		Pointers({"/emails"}));
}

TEST(Profiles, ChangeSomeMembers) {
	for (const std::string &name :
		{"x"s, std::string(100, 'x'), "Zoë O'Neil"s, " x"s, "👩‍👩‍👧"s})
		EXPECT_TRUE(read_profile_patch("{\"display_name\":\"" + name + "\"}")) << name;
	std::string umlauts;
	for (int i = 0; i < 100; i++)
		umlauts += "ü";
	EXPECT_TRUE(read_profile_patch("{\"display_name\":\"" + umlauts + "\"}"));
	for (const std::string locale :
		{"null", "\"en\"", "\"de-CH\"", "\"zh-Hant-TW\"", "\"de-1996\""})
		EXPECT_TRUE(read_profile_patch("{\"locale\":" + locale + '}')) << locale;
	EXPECT_EQ(*read_profile_patch(R"({ "theme":"dark", "locale":null })"),
		R"({"theme":"dark","locale":null})");
	EXPECT_EQ(*read_profile_patch("{}"), "{}");
}

TEST(Profiles, ThatAreWrongArePointedAtOnce) {
	for (const std::string &name : {"null"s, "\"\""s, "1"s, "\"  \""s, "\"a\\u0000\""s, "\"a\\n\""s,
			 "\"\\u007f\""s, "\"\\u009f\""s, '"' + std::string(101, 'x') + '"'})
		EXPECT_EQ(pointers(read_profile_patch("{\"display_name\":" + name + '}')),
			Pointers({"/display_name"}))
			<< name;
	for (const std::string locale : {"\"\"", "\"x\"", "\"en_US\"", "\"en-\"", "\"-en\"", "\"12\"",
			 "\"englishes-x\"", "\"en--US\"", "true"})
		EXPECT_EQ(
			pointers(read_profile_patch("{\"locale\":" + locale + '}')), Pointers({"/locale"}))
			<< locale;
	for (const std::string theme : {"null", "\"\"", "\"blue\"", "\"Dark\"", "[]"})
		EXPECT_EQ(pointers(read_profile_patch("{\"theme\":" + theme + '}')), Pointers({"/theme"}))
			<< theme;
}

} // namespace

} // namespace tokpay
