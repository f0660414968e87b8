// SPDX-License-Identifier: GPL-2.0-only
/*
 * Any text as a rules file. Expressions are not compiled: libpcap's compiler is fuzzed by its
 * own people, and would ask the name servers for each odd word.
 */
#include <assert.h>
#include <string.h>

#include "config.h"

static void check(const struct config *config)
{
	assert(config->ports && config->ports <= CONFIG_PORTS);
	assert(config->routes <= CONFIG_PORTS + CONFIG_ROUTES);
	for (unsigned int i = 0; i < config->routes; i++) {
		const struct route *route = &config->route[i];

		assert(route->port < config->ports);
		assert(!(route->net & ~route->mask));
		assert(config_route(config, route->net)->mask >= route->mask);
	}
	for (unsigned int i = 0; i < config->rules; i++) {
		assert(*config->rule[i].text);
		assert(!*config->rule[i].on || config_port(config, config->rule[i].on) >= 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config config;

	if (!config_parse(&config, "fuzz", (const char *)data, size))
		check(&config);
	else
		assert(!strncmp(config.error, "fuzz:", 5) && strlen(config.error) > 6);
	config_free(&config);
	return 0;
}
