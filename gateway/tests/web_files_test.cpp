// The built app's files, and which form of them a client gets.
#include "web/web_files.hpp"

#include "process/settings.hpp"

#include <gtest/gtest.h>

#include <fstream>

namespace tokpay {

namespace {

namespace fs = std::filesystem;

constexpr std::array<bool, coding_count> all_offered = {true, true, true};

TEST(BestCoding, IsTheSmallestThatTheClientTakes) {
	const std::pair<const char *, Coding> cases[] = {{"", Coding::identity}, {"gzip", Coding::gzip},
		{"br", Coding::brotli}, {"gzip, deflate, br, zstd", Coding::brotli},
		{"deflate, zstd", Coding::identity}, {"BR", Coding::brotli}, {"*", Coding::brotli},
		{"gzip,*;q=0", Coding::gzip}, {"identity", Coding::identity}, {"brotli", Coding::identity},
		{"br , gzip", Coding::brotli}, {", ,gzip,", Coding::gzip}};
	for (const auto &[accepted, coding] : cases)
		EXPECT_EQ(best_coding(accepted, all_offered), coding) << accepted;
}

TEST(BestCoding, GoesByTheWeights) {
	const std::pair<const char *, Coding> cases[] = {{"br;q=0.5, gzip;q=0.8", Coding::gzip},
		{"br;q=0, gzip", Coding::gzip}, {"br;q=0,gzip;q=0", Coding::identity},
		{"br;q=0.001", Coding::brotli}, {"br;q=0.9, identity", Coding::identity},
		{"br;q=0.000", Coding::identity}, {"br ; q=0.1 , gzip;q=0.01", Coding::brotli},
		{"*;q=0", Coding::identity}, {"*;q=0.5, br;q=0", Coding::gzip},
		{"gzip;Q=1.000, br;q=0.999", Coding::gzip}, {"identity;q=0, *", Coding::brotli},
		{"identity;q=0", Coding::identity}};
	for (const auto &[accepted, coding] : cases)
		EXPECT_EQ(best_coding(accepted, all_offered), coding) << accepted;
}

TEST(BestCoding, TakesNoWeightThatIsNone) {
	for (const char *weight : {"q=", "q=2", "q=1.001", "q=0.1234", "q=-1", "q=.5", "q=0,5x", "q",
			 "p=1", "q=1 1", "q=0x1", "q=00"})
		EXPECT_EQ(best_coding(std::string("br;") + weight, all_offered), Coding::identity)
			<< weight;
}

TEST(BestCoding, IsOneThatIsOffered) {
	EXPECT_EQ(best_coding("br, gzip", {false, true, true}), Coding::gzip);
	EXPECT_EQ(best_coding("br, gzip", {false, false, true}), Coding::identity);
	EXPECT_EQ(best_coding("br, identity;q=0", {false, false, true}), Coding::identity);
}

class WebFilesTest : public testing::Test {
protected:
	WebFilesTest() {
		write("index.html", "<html lang=\"en\" dir=\"ltr\" data-theme=\"system\"><!--data-->");
	}
	~WebFilesTest() override { fs::remove_all(directory); }

	void write(const std::string &name, std::string_view text) const {
		const fs::path path = directory / name;
		fs::create_directories(path.parent_path());
		std::ofstream(path) << text;
	}

	std::string fault() const {
		try {
			WebFiles files(directory);
		} catch (const SettingError &error) {
			return error.what();
		}
		return "";
	}

	fs::path directory = testing::TempDir() + "web_files_test-" + std::to_string(getpid());
};

TEST_F(WebFilesTest, HaveTheirTypesAndTimes) {
	write("assets/index-1a2b.js", "1");
	write("favicon.svg", "<svg/>");
	write("assets/odd.xyz", "");
	const WebFiles files(directory);
	EXPECT_STREQ(files.find("/favicon.svg")->content_type, "image/svg+xml");
	EXPECT_STREQ(files.find("/favicon.svg")->cache_control, "no-cache");
	const WebFile &script = *files.find("/assets/index-1a2b.js");
	EXPECT_STREQ(script.content_type, "text/javascript; charset=utf-8");
	EXPECT_STREQ(script.cache_control, "public, max-age=31536000, immutable");
	EXPECT_STREQ(files.find("/assets/odd.xyz")->content_type, "application/octet-stream");
	for (const char *path : {"/index.html", "/", "", "favicon.svg", "/assets", "/assets/",
			 "/assets/../favicon.svg", "/assets//index-1a2b.js", "/FAVICON.SVG"})
		EXPECT_EQ(files.find(path), nullptr) << path;
}

TEST_F(WebFilesTest, ComeInTheFormThatIsBest) {
	write("a.js", "plain");
	write("a.js.br", "brotli");
	write("a.js.gz", "gzip");
	write("b.js", "other");
	write("alone.gz", "an archive");
	const WebFiles files(directory);
	const WebFile &file = *files.find("/a.js");
	EXPECT_EQ(file.form("br").second.body, "brotli");
	EXPECT_EQ(file.form("gzip").second.body, "gzip");
	EXPECT_EQ(file.form("").second.body, "plain");
	EXPECT_EQ(files.find("/b.js")->form("br, gzip").first, Coding::identity);
	EXPECT_EQ(files.find("/a.js.br"), nullptr);
	EXPECT_NE(files.find("/alone.gz"), nullptr);
	// Every form has a tag of its own, the same for the same bytes.
	EXPECT_NE(file.form("br").second.etag, file.form("").second.etag);
	write("c.js", "plain");
	EXPECT_EQ(WebFiles(directory).find("/c.js")->form("").second.etag, file.form("").second.etag);
}

TEST_F(WebFilesTest, HiddenOnesAreLeftOut) {
	write(".vite/manifest.json", "{}");
	write("assets/.secret", "x");
	const WebFiles files(directory);
	EXPECT_EQ(files.find("/.vite/manifest.json"), nullptr);
	EXPECT_EQ(files.find("/assets/.secret"), nullptr);
}

TEST_F(WebFilesTest, AreRefusedWithoutAPage) {
	EXPECT_EQ(fault(), "");
	write("index.html", "<html lang=\"de\"><!--data-->");
	EXPECT_NE(fault().find("index.html needs <!--data--> and"), std::string::npos) << fault();
	fs::remove(directory / "index.html");
	EXPECT_EQ(fault(), "setting web: cannot read " + (directory / "index.html").string());
	fs::remove_all(directory);
	EXPECT_NE(fault().find("setting web: "), std::string::npos);
}

} // namespace

} // namespace tokpay
