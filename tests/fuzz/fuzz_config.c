// SPDX-License-Identifier: GPL-2.0-only
/* Any text as /etc/uvf/uvf.conf: a configuration with all values in bounds, or a sentence. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "uapi/linux/uvf.h"
#include "why.h"

static void check_function(const struct config_function *function)
{
	assert(*function->name && memchr(function->name, '\0', sizeof(function->name)));
	assert(*function->uplink && memchr(function->uplink, '\0', sizeof(function->uplink)));
	assert(!*function->appliance || uvf_appliance_valid(function->appliance));
	assert(function->vlan == UVF_VLAN_ANY || (function->vlan && function->vlan < 4095));
	assert(function->mode >= -1 && function->mode <= UVF_MODE_MAX);
	assert(function->queues <= UVF_MAX_QUEUES && function->mtu <= 65535);
	assert(!function->has_mac || !(function->mac[0] & 1));
}

/* What is said of limits and mirrors can be said again, and is the same. */
static void check_settings(const struct config_function *function)
{
	const struct uvf_mirror_words *mirror = &function->mirror;
	struct uvf_limit_words again;
	char text[UVF_LIMIT_TEXT];

	for (int i = 0; i < UVF_DIRECTIONS; i++) {
		const struct uvf_limit_words *limit = &function->limit[i];

		assert(!limit->rate || limit->rate >= UVF_RATE_MIN);
		assert(limit->rate <= UVF_RATE_MAX);
		assert(limit->pps <= UVF_PPS_MAX && limit->burst <= UVF_BURST_MAX);
		assert(!limit->burst || limit->rate);
		assert(!uvf_limit_parse(uvf_limit_text(limit, text), &again));
		assert(!memcmp(limit, &again, sizeof(again)));
	}
	assert(!mirror->flags == !*mirror->to);
	assert(memchr(mirror->to, '\0', sizeof(mirror->to)));
	assert(!mirror->flags || strcmp(mirror->to, function->name));
}

static void check_appliance(const struct config_appliance *appliance)
{
	assert(uvf_appliance_valid(appliance->name));
	assert(!appliance->memory || appliance->memory >= CONFIG_MEMORY_LEAST);
	assert(appliance->memory <= UVF_MEMORY_MAX && appliance->linger <= UVF_LINGER_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config config;
	char *text = malloc(size + 1);

	memcpy(text, data, size);
	text[size] = '\0';
	if (!config_parse(&config, text)) {
		for (unsigned int i = 0; i < config.nr_functions; i++) {
			check_function(&config.functions[i]);
			check_settings(&config.functions[i]);
		}
		for (unsigned int i = 0; i < config.nr_appliances; i++)
			check_appliance(&config.appliances[i]);
		config_allows(&config, 1000, "firewall");
	} else {
		assert(*uvf_why());
	}
	config_free(&config);
	free(text);
	return 0;
}
