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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config config;
	char *text = malloc(size + 1);

	memcpy(text, data, size);
	text[size] = '\0';
	if (!config_parse(&config, text)) {
		for (unsigned int i = 0; i < config.nr_functions; i++)
			check_function(&config.functions[i]);
		for (unsigned int i = 0; i < config.nr_appliances; i++)
			assert(uvf_appliance_valid(config.appliances[i].name));
		config_allows(&config, 1000, "firewall");
	} else {
		assert(*uvf_why());
	}
	config_free(&config);
	free(text);
	return 0;
}
