#include "process/help.hpp"

namespace tokpay {

namespace {

constexpr size_t width = 80;
constexpr size_t indentation = 11;

constexpr const char *before = R"(NAME
       tokpay-gateway - the HTTP API of TokPay

SYNOPSIS
       tokpay-gateway [--config FILE] [--check] [--SETTING VALUE ...]
       tokpay-gateway --help

DESCRIPTION
       Serves the ledger of a PostgreSQL database over HTTP until a signal ends
       it.
       A setting is a flag --NAME VALUE, an environment variable
       TOKPAY_GATEWAY_NAME in capitals with _ for -, or a line NAME = VALUE of
       the file; a flag wins over the environment, and that over the file. The
       variables PUBLIC_URL and TRUSTED_PROXIES need no prefix. Settings of each
       machine of a cluster come once for each: as lines of the file with the
       same NAME, as flags, or as lines of one variable or of one NAME-file.

       Secrets are never flags, which every user of the machine sees: NAME-file
       names a file that holds one.

OPTIONS
       --check
           read the settings and the files they name, say what is wrong, exit

       --help
           print this page

SETTINGS
)";

constexpr const char *after = R"(SAFETY
       With a public-url that is not of this machine the gateway refuses to
       start with plain HTTP, the demo provider or demo-funding. Without one it
       has demo-funding only on a loopback address. Demo funding needs a grant
       in the database, too: execute on function tokpay.gateway_demo_top_up to
       the user of admin-database.

SIGNALS
       TERM, INT   accept no more, answer what is under way, exit
       HUP         read tls-certificate and tls-key again, and incarnation;
                   connections go on

EXIT STATUS
       0 after a signal, --check or --help; 1 where the settings are wrong or
       the port is taken.

EXAMPLE
       tokpay-gateway --config /etc/tokpay/gateway.conf --check
)";

// A paragraph in lines that fit.
void append_paragraph(std::string_view text, std::string *out) {
	std::string line;
	while (!text.empty()) {
		const size_t end = std::min(text.find(' '), text.size());
		if (!line.empty() && indentation + line.size() + 1 + end > width) {
			out->append(indentation, ' ').append(line).append("\n");
			line.clear();
		}
		line.append(line.empty() ? "" : " ").append(text.substr(0, end));
		text.remove_prefix(std::min(end + 1, text.size()));
	}
	out->append(indentation, ' ').append(line).append("\n");
}

} // namespace

std::string help(const std::vector<SettingInfo> &settings) {
	std::string page = before;
	for (const SettingInfo &setting : settings) {
		page.append("       ").append(setting.is_secret ? "" : "--").append(setting.name);
		page.append(" ").append(setting.value);
		if (setting.is_secret)
			page.append(", --").append(setting.name).append("-file FILE");
		page.append("\n");
		std::string text = setting.help;
		if (setting.fallback != nullptr && *setting.fallback != '\0')
			text.append(" (").append(setting.fallback).append(")");
		append_paragraph(text, &page);
		page.append("\n");
	}
	return page.append(after);
}

} // namespace tokpay
