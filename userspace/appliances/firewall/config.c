// SPDX-License-Identifier: GPL-2.0-only
/*
 * The rules file is read line by line; each line begins with a keyword of the table below.
 * What needs other lines (does this port exist, is this gateway on a link) is checked when all
 * are read, so that lines may stand in any order; only rules are ordered among themselves.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"

#define SPACE		" \t\r"
#define NAME_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"

struct line {
	unsigned int no;
	const char *usage; /* of the keyword it begins with */
	char *rest;
};

int config_fail(struct config *config, unsigned int line, const char *format, ...)
{
	size_t size = sizeof(config->error);
	va_list args;
	int n;

	if (line)
		n = snprintf(config->error, size, "%s:%u: ", config->path, line);
	else
		n = snprintf(config->error, size, "%s: ", config->path);
	if (n < 0 || (size_t)n >= size)
		return -1;
	va_start(args, format);
	vsnprintf(config->error + n, size - n, format, args);
	va_end(args);
	return -1;
}

static int usage_fail(struct config *config, const struct line *line)
{
	return config_fail(config, line->no, "expected '%s'", line->usage);
}

/* The next word of the line, or NULL at its end. */
static char *next_word(struct line *line)
{
	char *word = line->rest + strspn(line->rest, SPACE);
	size_t len = strcspn(word, SPACE);

	if (!len)
		return NULL;
	line->rest = word + len;
	if (*line->rest)
		*line->rest++ = '\0';
	return word;
}

static bool name_valid(const char *name)
{
	size_t len = strlen(name);

	return len < CONFIG_NAME_SIZE && isalnum((unsigned char)*name) &&
	       strspn(name, NAME_CHARACTERS) == len;
}

static int parse_name(struct config *config, struct line *line, const char *word, char *name)
{
	if (!name_valid(word))
		return config_fail(config, line->no,
				   "'%.40s' is no name of a function: 1 to 15 letters, digits, "
				   "'.', '_', '-'",
				   word);
	strcpy(name, word);
	return 0;
}

static int parse_address(struct config *config, struct line *line, const char *word, uint32_t *addr)
{
	struct in_addr in;

	if (inet_pton(AF_INET, word, &in) != 1)
		return config_fail(config, line->no, "'%.40s' is no IPv4 address", word);
	*addr = ntohl(in.s_addr);
	return 0;
}

static int parse_prefix(struct config *config, struct line *line, char *word, uint32_t *addr,
			unsigned int *prefix)
{
	char *slash = strchr(word, '/'), *end;
	unsigned long bits;

	if (!slash || !isdigit((unsigned char)slash[1]))
		return config_fail(config, line->no,
				   "'%.40s' has no prefix length, such as %.40s/24", word,
				   slash ? "10.0.0.1" : word);
	*slash = '\0';
	bits = strtoul(slash + 1, &end, 10);
	if (*end || bits > 32)
		return config_fail(config, line->no, "'/%.40s' is no prefix length: 0 to 32",
				   slash + 1);
	*prefix = bits;
	return parse_address(config, line, word, addr);
}

static uint32_t mask_of(unsigned int prefix)
{
	return prefix ? ~0u << (32 - prefix) : 0;
}

static bool unicast(uint32_t addr)
{
	return addr >> 24 != 0 && addr >> 24 != 127 && addr >> 28 < 0xe;
}

/* Neither the network's own address nor its broadcast address, where it has these. */
static bool host_of(uint32_t addr, uint32_t mask)
{
	return unicast(addr) && (mask >= 0xfffffffe || ((addr & ~mask) && (addr | mask) != ~0u));
}

static const char *show(uint32_t addr)
{
	static char text[4][INET_ADDRSTRLEN];
	static unsigned int next;
	struct in_addr in = { .s_addr = htonl(addr) };

	next = (next + 1) % 4;
	return inet_ntop(AF_INET, &in, text[next], sizeof(text[next]));
}

static int parse_port(struct config *config, struct line *line)
{
	char *name = next_word(line), *addr = next_word(line);
	struct port_config *port = &config->port[config->ports];

	if (!addr || next_word(line))
		return usage_fail(config, line);
	if (config->ports == CONFIG_PORTS)
		return config_fail(config, line->no, "more than %d ports", CONFIG_PORTS);
	if (parse_name(config, line, name, port->name) ||
	    parse_prefix(config, line, addr, &port->addr, &port->prefix))
		return -1;
	port->mask = mask_of(port->prefix);
	port->line = line->no;
	if (!port->prefix || !host_of(port->addr, port->mask))
		return config_fail(config, line->no, "%s/%u is no address of a host", addr,
				   port->prefix);
	config->ports++;
	return 0;
}

static int parse_route(struct config *config, struct line *line)
{
	char *net = next_word(line), *word = next_word(line), *via = next_word(line);
	struct route *route = &config->route[config->routes];
	char all[] = "0.0.0.0/0";
	unsigned int prefix = 0;

	if (!via || strcmp(word, "via") || next_word(line))
		return usage_fail(config, line);
	if (config->routes == CONFIG_ROUTES)
		return config_fail(config, line->no, "more than %d routes", CONFIG_ROUTES);
	if (parse_prefix(config, line, strcmp(net, "default") ? net : all, &route->net, &prefix) ||
	    parse_address(config, line, via, &route->via))
		return -1;
	route->mask = mask_of(prefix);
	route->line = line->no;
	if (route->net & ~route->mask)
		return config_fail(config, line->no, "%s/%u has bits beyond its prefix: %s/%u?",
				   net, prefix, show(route->net & route->mask), prefix);
	config->routes++;
	return 0;
}

/* A keyword with one of two values; the second one sets the flag. */
static int parse_switch(struct config *config, struct line *line, const char *off, const char *on,
			bool *flag)
{
	char *word = next_word(line);

	if (!word || next_word(line) || (strcmp(word, on) && strcmp(word, off)))
		return usage_fail(config, line);
	*flag = !strcmp(word, on);
	return 0;
}

static int parse_block_policy(struct config *config, struct line *line)
{
	return parse_switch(config, line, "return", "drop", &config->drop_silently);
}

static int parse_source_check(struct config *config, struct line *line)
{
	return parse_switch(config, line, "strict", "off", &config->trust_sources);
}

static void trim(char **text)
{
	size_t len;

	*text += strspn(*text, SPACE);
	len = strlen(*text);
	while (len && strchr(SPACE, (*text)[len - 1]))
		(*text)[--len] = '\0';
}

/* The first word is "on"? Then the port's name follows; no filter expression begins so. */
static int parse_on(struct config *config, struct line *line, char *on)
{
	char *name;

	trim(&line->rest);
	if (strncmp(line->rest, "on", 2) || !strchr(SPACE, line->rest[2]))
		return 0;
	next_word(line);
	name = next_word(line);
	if (!name)
		return usage_fail(config, line);
	trim(&line->rest);
	return parse_name(config, line, name, on);
}

static int parse_rule(struct config *config, struct line *line, enum rule_action action)
{
	struct rule rule = { .action = action, .line = line->no }, *rules;

	if (parse_on(config, line, rule.on))
		return -1;
	if (!*line->rest)
		return usage_fail(config, line);
	if (config->rules == CONFIG_RULES)
		return config_fail(config, line->no, "more than %d rules", CONFIG_RULES);
	rule.text = strdup(line->rest);
	rules = realloc(config->rule, (config->rules + 1) * sizeof(rule));
	if (rules)
		config->rule = rules;
	if (!rule.text || !rules) {
		free(rule.text);
		return config_fail(config, line->no, "out of memory");
	}
	rules[config->rules++] = rule;
	return 0;
}

static int parse_pass(struct config *config, struct line *line)
{
	return parse_rule(config, line, RULE_PASS);
}

static int parse_block(struct config *config, struct line *line)
{
	return parse_rule(config, line, RULE_BLOCK);
}

static const struct {
	const char *word;
	int (*parse)(struct config *config, struct line *line);
	const char *usage;
} keywords[] = {
	{ "port", parse_port, "port FUNCTION ADDRESS/PREFIX" },
	{ "route", parse_route, "route NETWORK/PREFIX|default via ADDRESS" },
	{ "pass", parse_pass, "pass [on FUNCTION] EXPRESSION|all" },
	{ "block", parse_block, "block [on FUNCTION] EXPRESSION|all" },
	{ "block-policy", parse_block_policy, "block-policy return|drop" },
	{ "source-check", parse_source_check, "source-check strict|off" },
};

static int parse_line(struct config *config, struct line *line)
{
	char *word;

	line->rest[strcspn(line->rest, "#")] = '\0';
	word = next_word(line);
	if (!word)
		return 0;
	for (size_t i = 0; i < sizeof(keywords) / sizeof(*keywords); i++) {
		if (strcmp(word, keywords[i].word))
			continue;
		line->usage = keywords[i].usage;
		return keywords[i].parse(config, line);
	}
	return config_fail(config, line->no,
			   "unknown keyword '%.40s': port, route, pass, block, block-policy or "
			   "source-check",
			   word);
}

int config_port(const struct config *config, const char *name)
{
	for (unsigned int i = 0; i < config->ports; i++)
		if (!strcmp(config->port[i].name, name))
			return i;
	return -1;
}

const struct route *config_route(const struct config *config, uint32_t addr)
{
	for (unsigned int i = 0; i < config->routes; i++)
		if ((addr & config->route[i].mask) == config->route[i].net)
			return &config->route[i];
	return NULL;
}

static int check_ports(struct config *config)
{
	if (!config->ports)
		return config_fail(config, 0, "no port: add lines such as 'port fw0 10.0.1.1/24'");
	for (unsigned int i = 0; i < config->ports; i++) {
		const struct port_config *b = &config->port[i];

		for (unsigned int k = 0; k < i; k++) {
			const struct port_config *a = &config->port[k];

			if (!strcmp(a->name, b->name))
				return config_fail(config, b->line,
						   "port %s stands in line %u already", b->name,
						   a->line);
			if (!((a->addr ^ b->addr) & a->mask & b->mask))
				return config_fail(config, b->line,
						   "%s/%u overlaps the network of %s in line %u",
						   show(b->addr), b->prefix, a->name, a->line);
		}
	}
	return 0;
}

/* A gateway is a neighbour on one of the ports; so it is found before routes are sorted. */
static int check_route(struct config *config, struct route *route)
{
	for (unsigned int i = 0; i < config->ports; i++) {
		const struct port_config *port = &config->port[i];

		if ((route->via ^ port->addr) & port->mask)
			continue;
		if (route->via == port->addr || !host_of(route->via, port->mask))
			return config_fail(config, route->line, "%s is no gateway on %s",
					   show(route->via), port->name);
		route->port = i;
		return 0;
	}
	return config_fail(config, route->line, "no port has %s on its network", show(route->via));
}

static int by_prefix(const void *a, const void *b)
{
	const struct route *x = a, *y = b;

	if (x->mask != y->mask)
		return x->mask > y->mask ? -1 : 1;
	if (x->net != y->net)
		return x->net < y->net ? -1 : 1;
	return x->line < y->line ? -1 : x->line > y->line;
}

static int check_routes(struct config *config)
{
	for (unsigned int i = 0; i < config->routes; i++)
		if (check_route(config, &config->route[i]))
			return -1;
	for (unsigned int i = 0; i < config->ports; i++) {
		const struct port_config *port = &config->port[i];

		config->route[config->routes++] = (struct route){
			.net = port->addr & port->mask,
			.mask = port->mask,
			.port = i,
			.line = port->line,
		};
	}
	qsort(config->route, config->routes, sizeof(*config->route), by_prefix);
	for (unsigned int i = 1; i < config->routes; i++) {
		const struct route *a = &config->route[i - 1], *b = &config->route[i];

		if (a->net == b->net && a->mask == b->mask)
			return config_fail(config, b->line, "line %u has a route to %s/%d already",
					   a->line, show(b->net), __builtin_popcount(b->mask));
	}
	return 0;
}

static int check_rules(struct config *config)
{
	for (unsigned int i = 0; i < config->rules; i++) {
		const struct rule *rule = &config->rule[i];

		if (*rule->on && config_port(config, rule->on) < 0)
			return config_fail(config, rule->line,
					   "no port %s: add a line 'port %s ADDRESS/PREFIX'",
					   rule->on, rule->on);
	}
	return 0;
}

int config_parse(struct config *config, const char *path, const char *text, size_t len)
{
	struct line line = { 0 };
	char *copy, *next;
	int err = 0;

	memset(config, 0, sizeof(*config));
	config->path = path;
	if (memchr(text, '\0', len))
		return config_fail(config, 0, "is no text file: it has a NUL byte");
	copy = strndup(text, len);
	if (!copy)
		return config_fail(config, 0, "out of memory");
	for (next = copy; !err && next;) {
		line.no++;
		line.rest = strsep(&next, "\n");
		err = parse_line(config, &line);
	}
	free(copy);
	if (err || check_ports(config) || check_routes(config) || check_rules(config))
		return -1;
	return 0;
}

int config_load(struct config *config, const char *path)
{
	char *text = malloc(CONFIG_FILE_MAX);
	FILE *file = fopen(path, "re");
	size_t len = 0;
	int err = -1;

	memset(config, 0, sizeof(*config));
	config->path = path;
	if (file && text)
		len = fread(text, 1, CONFIG_FILE_MAX, file);
	if (!file || !text || ferror(file))
		config_fail(config, 0, "cannot read it: %s", strerror(errno));
	else if (len == CONFIG_FILE_MAX)
		config_fail(config, 0, "longer than %d bytes", CONFIG_FILE_MAX);
	else
		err = config_parse(config, path, text, len);
	if (file)
		fclose(file);
	free(text);
	return err;
}

void config_free(struct config *config)
{
	for (unsigned int i = 0; i < config->rules; i++) {
		pcap_freecode(&config->rule[i].program);
		free(config->rule[i].text);
	}
	free(config->rule);
	config->rule = NULL;
	config->rules = 0;
}
