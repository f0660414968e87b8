// SPDX-License-Identifier: GPL-2.0-only
#include "cni.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *word;
	enum cni_verb verb;
} verbs[] = {
	{ "/connect", CNI_CONNECT },	     { "/version", CNI_VERSION },
	{ "/xsk_map_fd", CNI_MAP },	     { "/config_busy_poll", CNI_BUSY_POLL },
	{ "/fin", CNI_FIN },
};

static enum cni_verb verb_of(const char *word)
{
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (!strcmp(word, verbs[i].word))
			return verbs[i].verb;
	return CNI_UNKNOWN;
}

static bool is_name(const char *text)
{
	if (!*text)
		return false;
	while (*text && (isalnum((unsigned char)*text) || strchr("._:@-", *text)))
		text++;
	return !*text;
}

static bool is_number(const char *text, unsigned int *to)
{
	unsigned long value;
	char *end;

	if (!isdigit((unsigned char)*text))
		return false;
	value = strtoul(text, &end, 10);
	*to = value;
	return !*end && value && value <= 65535;
}

/* What follows the verb, and nothing behind it. */
static bool parse_rest(char *rest, struct cni_request *to)
{
	char *first, *second;

	if (to->verb == CNI_VERSION || to->verb == CNI_FIN)
		return !rest;
	first = strsep(&rest, ",");
	second = strsep(&rest, ",");
	if (!first || rest)
		return false;
	if (to->verb == CNI_BUSY_POLL)
		return second && is_number(first, &to->usecs) && is_number(second, &to->budget);
	strcpy(to->name, first);
	return !second && is_name(first);
}

void cni_parse(const char *message, size_t size, struct cni_request *to)
{
	char text[CNI_MESSAGE + 1], *rest = text;

	*to = (struct cni_request){ .verb = CNI_UNKNOWN };
	if (!size || size > CNI_MESSAGE || memchr(message, '\0', size))
		return;
	memcpy(text, message, size);
	text[size] = '\0';
	to->verb = verb_of(strsep(&rest, ","));
	if (to->verb != CNI_UNKNOWN && !parse_rest(rest, to))
		*to = (struct cni_request){ .verb = CNI_UNKNOWN };
}
