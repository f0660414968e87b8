// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a container may say to `uvf cni`. What is taken for a request is within its limits, and says
 * what the message said: written again from the request, it is the same text.
 */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cni.h"

static int again(const struct cni_request *request, char *to, size_t size)
{
	switch (request->verb) {
	case CNI_CONNECT:
		return snprintf(to, size, "/connect,%s", request->name);
	case CNI_VERSION:
		return snprintf(to, size, "/version");
	case CNI_MAP:
		return snprintf(to, size, "/xsk_map_fd,%s", request->name);
	case CNI_BUSY_POLL:
		return snprintf(to, size, "/config_busy_poll,%u,%u", request->usecs,
				request->budget);
	case CNI_FIN:
		return snprintf(to, size, "/fin");
	default:
		abort();
	}
}

/* Numbers may have zeros in front. */
static void same(const struct cni_request *request, const char *message, size_t size)
{
	char text[2 * CNI_MESSAGE];
	int n = again(request, text, sizeof(text));

	assert(n > 0 && (size_t)n <= size);
	if (request->verb != CNI_BUSY_POLL)
		assert((size_t)n == size && !memcmp(text, message, size));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cni_request request;
	char *message = malloc(size ?: 1); /* its end is watched */

	memcpy(message, data, size);
	cni_parse(message, size, &request);
	assert(memchr(request.name, '\0', sizeof(request.name)));
	assert(request.usecs <= 65535 && request.budget <= 65535);
	if (request.verb != CNI_UNKNOWN)
		same(&request, message, size);
	free(message);
	return 0;
}
