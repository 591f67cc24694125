// tokpay-gateway: worker threads that listen on the same port, and their relief, until a signal.

#include "http/listener.hpp"
#include "ledger/hold_expiry.hpp"
#include "ledger/leader_finder.hpp"
#include "process/admin.hpp"
#include "process/config.hpp"
#include "process/log.hpp"
#include "process/open_files.hpp"
#include "process/settings.hpp"

#include <boost/asio/signal_set.hpp>

#include <csignal>
#include <functional>
#include <iostream>
#include <latch>
#include <list>
#include <thread>

namespace {

using namespace tokpay;
namespace asio = boost::asio;

// What a request under way gets beyond its deadline once a signal has come.
constexpr std::chrono::seconds drain_grace{2};
constexpr std::chrono::milliseconds drain_poll{20};

// SO_REUSEPORT lets two gateways share a port by mistake; this one fails where somebody listens.
void check_port_is_free(const Endpoint &endpoint, const char *setting) {
	try {
		asio::io_context io;
		asio::ip::tcp::acceptor(io, {asio::ip::make_address(endpoint.host), endpoint.port});
	} catch (const boost::system::system_error &error) {
		throw SettingError(setting, "cannot listen on " + endpoint.host + ':' +
										std::to_string(endpoint.port) + ": " +
										error.code().message());
	}
}

void drain(std::list<Worker> &workers, std::list<Listener> &listeners) {
	auto listener = listeners.begin();
	std::latch running(static_cast<std::ptrdiff_t>(workers.size()));
	for (Worker &worker : workers)
		asio::post(worker.io, [&running, &stopped = *listener++] {
			stopped.stop();
			running.count_down();
		});
	running.wait();
	// What one has handed over before it stopped has come to the other.
	std::latch settled(static_cast<std::ptrdiff_t>(workers.size()));
	for (Worker &worker : workers)
		asio::post(worker.io, [&settled] { settled.count_down(); });
	settled.wait();
	const auto give_up = Clock::now() + workers.front().config.request_deadline + drain_grace;
	const auto busy = [&] {
		return std::ranges::any_of(
			workers, [](const Worker &worker) { return worker.metrics.connections.get() > 0; });
	};
	while (busy() && Clock::now() < give_up)
		std::this_thread::sleep_for(drain_poll);
	for (Worker &worker : workers)
		worker.io.stop();
}

// The certificate and key, where there are any.
std::unique_ptr<ServerTls> server_tls(const Config &config) {
	return config.tls ? std::make_unique<ServerTls>(*config.tls) : nullptr;
}

// The web app, where there is one.
std::unique_ptr<WebFiles> web_files(const Config &config) {
	return config.web.empty() ? nullptr : std::make_unique<WebFiles>(config.web);
}

using ReadConfig = std::function<std::optional<Config>()>;

void reload(ServerTls &tls) {
	try {
		tls.reload();
		log_message("the certificate was read again");
	} catch (const std::exception &error) {
		log_message(std::string("the certificate stays as it was: ") + error.what());
	}
}

void reload_incarnation(Leadership &leadership, const ReadConfig &read) {
	try {
		const auto config = read();
		if (!config->incarnation) {
			if (const auto accepted = leadership.accepted_incarnation())
				log_message("incarnation " + std::to_string(*accepted) +
							" stays accepted; the setting is gone or was never there");
			return;
		}
		const std::string incarnation = "incarnation " + std::to_string(*config->incarnation);
		const bool is_accepted = leadership.accept(*config->incarnation);
		log_message(incarnation + (is_accepted ? " is accepted" : " is over; a later one was met"));
	} catch (const std::exception &error) {
		log_message(std::string("the incarnation stays as it was: ") + error.what());
	}
}

// What --check looks at beyond the settings themselves.
void check_files(const Config &config) {
	const auto tls = server_tls(config);
	const auto web = web_files(config);
	if (config.issuer)
		client_tls({config.issuer->trusted_file}, "issuer");
	client_tls(config.patroni.files, "patroni");
}

void serve(const Config &config, const ReadConfig &read_again) {
	const auto tls = server_tls(config);
	const auto web = web_files(config);
	allow_max_open_files();
	asio::io_context signals;
	asio::signal_set wanted(signals, SIGINT, SIGTERM, SIGHUP);
	std::signal(SIGPIPE, SIG_IGN); // OpenSSL writes to sockets without MSG_NOSIGNAL
	check_port_is_free(config.listen, "listen");
	check_port_is_free(config.admin_listen, "admin-listen");
	RateLimiter limiter;
	Leadership leadership(config.members, config.incarnation);
	std::list<Worker> workers;
	std::list<Listener> listeners;
	std::vector<const Metrics *> metrics;
	const auto add_worker = [&]() -> Worker & {
		Worker &worker = workers.emplace_back(config, limiter, tls.get(), leadership, web.get());
		metrics.push_back(&worker.metrics);
		return worker;
	};
	for (unsigned i = 0; i < config.threads; i++)
		listeners.emplace_back(add_worker(), config.listen);
	Listener &relief = listeners.emplace_back(add_worker());
	for (Listener &listener : listeners)
		if (&listener != &relief)
			relief.relieve(listener);
	for (Listener &listener : listeners)
		listener.start();
	LeaderFinder finder(workers.front().io, leadership, config);
	finder.start();
	Admin admin(workers.front(), leadership, metrics, config.admin_listen);
	admin.start();
	start_hold_expiry(workers.front());

	std::vector<std::jthread> threads;
	for (Worker &worker : workers)
		threads.emplace_back([&worker] { worker.io.run(); });
	log_message((tls ? "serving https://" : "serving http://") + config.listen.host + ':' +
				std::to_string(config.listen.port) + " with " + std::to_string(config.threads) +
				" threads, admin port " + std::to_string(config.admin_listen.port));

	int received = SIGHUP;
	const auto receive = [&](boost::system::error_code, int number) { received = number; };
	while (received == SIGHUP) {
		wanted.async_wait(receive);
		signals.restart();
		signals.run();
		if (received == SIGHUP && tls)
			reload(*tls);
		if (received == SIGHUP)
			reload_incarnation(leadership, read_again);
	}
	log_message("draining");
	drain(workers, listeners);
}

} // namespace

int main(int argc, char **argv) {
	std::optional<Config> config;
	try {
		const auto read = [=] { return read_config(argc, argv, environ); };
		config = read();
		if (config && config->only_check) {
			check_files(*config);
			std::cout << "tokpay-gateway: the settings are good\n";
		} else if (config) {
			serve(*config, read);
		}
	} catch (const SettingError &error) {
		const bool is_set = config && config->origins.contains(error.setting);
		std::cerr << "tokpay-gateway: " << (is_set ? config->origins[error.setting] + ": " : "")
				  << error.what() << std::endl;
		return 1;
	} catch (const std::exception &error) {
		std::cerr << "tokpay-gateway: " << error.what() << std::endl;
		return 1;
	}
	return 0;
}
