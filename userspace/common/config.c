// SPDX-License-Identifier: GPL-2.0-only
/* Syntax is libconfuse's. Each value is judged as it is read, so that an error has its line. */
#include "config.h"

#include <confuse.h>
#include <ctype.h>
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uvf/steer.h>

#include "uapi/linux/uvf.h"
#include "why.h"
#include "words.h"

#define CONFIG_SIZE_MAX (1 << 20)

static const char *const backends[] = { "any", "uvf", "veth" };

/* libconfuse tells more than once what is wrong; the first says it best. */
static bool told;

static void on_error(cfg_t *cfg, const char *format, va_list args)
{
	char what[UVF_WHY_SIZE];

	if (told)
		return;
	told = true;
	vsnprintf(what, sizeof(what), format, args);
	uvf_fail(EINVAL, "%s:%d: %s", cfg && cfg->filename ? cfg->filename : "text",
		 cfg ? cfg->line : 0, what);
}

static bool is_name(const char *text, size_t most)
{
	size_t length = strlen(text);

	if (!length || length > most || !strcmp(text, ".") || !strcmp(text, ".."))
		return false;
	for (; *text; text++)
		if (isspace((unsigned char)*text) || *text == '/' || *text == ':' || *text == '%')
			return false;
	return true;
}

static int word_of(const char *const *words, unsigned int count, const char *text)
{
	for (unsigned int i = 0; i < count; i++)
		if (!strcmp(words[i], text))
			return i;
	return -1;
}

static const char *last_string(cfg_opt_t *opt)
{
	return cfg_opt_getnstr(opt, cfg_opt_size(opt) - 1) ?: "";
}

static int check_link(cfg_t *cfg, cfg_opt_t *opt)
{
	const char *text = last_string(opt);

	if (is_name(text, IFNAMSIZ - 1))
		return 0;
	cfg_error(cfg, "'%s' can't name a link: 1 to %d characters", text, IFNAMSIZ - 1);
	return -1;
}

static int check_appliance(cfg_t *cfg, cfg_opt_t *opt)
{
	const char *text = last_string(opt);

	if (uvf_appliance_valid(text))
		return 0;
	cfg_error(cfg, "'%s' can't name an appliance: 1 to %d letters, digits, '.', '_' and '-'",
		  text, UVF_APPLIANCE_SIZE - 1);
	return -1;
}

static int check_backend(cfg_t *cfg, cfg_opt_t *opt)
{
	if (word_of(backends, 3, last_string(opt)) >= 0)
		return 0;
	cfg_error(cfg, "'%s' is not a backend: uvf, veth or any", last_string(opt));
	return -1;
}

static int check_mode(cfg_t *cfg, cfg_opt_t *opt)
{
	if (uvf_mode_parse(last_string(opt)) >= 0)
		return 0;
	cfg_error(cfg, "'%s' is not a mode: private, bridge or passthru", last_string(opt));
	return -1;
}

static bool parse_mac(const char *text, uint8_t *mac)
{
	int end = 0;

	return sscanf(text, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx%n", mac, mac + 1, mac + 2,
		      mac + 3, mac + 4, mac + 5, &end) == 6 && !text[end] && !(mac[0] & 1) &&
	       (mac[0] | mac[1] | mac[2] | mac[3] | mac[4] | mac[5]);
}

static int check_mac(cfg_t *cfg, cfg_opt_t *opt)
{
	uint8_t mac[6];

	if (parse_mac(last_string(opt), mac))
		return 0;
	cfg_error(cfg, "'%s' is not the address of one device, such as 02:00:00:00:00:01",
		  last_string(opt));
	return -1;
}

static int check_range(cfg_t *cfg, cfg_opt_t *opt, long least, long most)
{
	long value = cfg_opt_getnint(opt, 0);

	if (value >= least && value <= most)
		return 0;
	cfg_error(cfg, "%ld is no %s: %ld to %ld", value, cfg_opt_name(opt), least, most);
	return -1;
}

static int check_vlan(cfg_t *cfg, cfg_opt_t *opt)
{
	return check_range(cfg, opt, 1, 4094);
}

static int check_queues(cfg_t *cfg, cfg_opt_t *opt)
{
	return check_range(cfg, opt, 1, UVF_MAX_QUEUES);
}

static int check_mtu(cfg_t *cfg, cfg_opt_t *opt)
{
	return check_range(cfg, opt, 68, 65535);
}

static int check_lease(cfg_t *cfg, cfg_opt_t *opt)
{
	return check_range(cfg, opt, 1, UVF_DIRECT_QUEUES);
}

static int check_rule(cfg_t *cfg, cfg_opt_t *opt)
{
	struct uvf_rule rule;

	if (!cfg_opt_size(opt) || !uvf_rule_parse(last_string(opt), &rule))
		return 0;
	cfg_error(cfg, "'%s': %s", last_string(opt), uvf_why());
	return -1;
}

static int check_limit(cfg_t *cfg, cfg_opt_t *opt)
{
	struct uvf_limit_words limit;

	if (!uvf_limit_parse(last_string(opt), &limit))
		return 0;
	cfg_error(cfg, "'%s': %s", last_string(opt), uvf_why());
	return -1;
}

static int check_mirror(cfg_t *cfg, cfg_opt_t *opt)
{
	struct uvf_mirror_words mirror;

	if (!uvf_mirror_parse(last_string(opt), &mirror))
		return 0;
	cfg_error(cfg, "'%s': %s", last_string(opt), uvf_why());
	return -1;
}

static int parse_memory(const char *text, uint64_t *bytes)
{
	return uvf_number(text, uvf_units_bytes, CONFIG_MEMORY_LEAST, UVF_MEMORY_MAX, bytes);
}

static int check_memory(cfg_t *cfg, cfg_opt_t *opt)
{
	uint64_t bytes;

	if (!parse_memory(last_string(opt), &bytes))
		return 0;
	cfg_error(cfg, "memory: %s", uvf_why());
	return -1;
}

static int check_linger(cfg_t *cfg, cfg_opt_t *opt)
{
	return check_range(cfg, opt, 0, UVF_LINGER_MAX);
}

/* A name of the user database, or a number. */
static bool find_user(const char *text, uid_t *uid)
{
	const struct passwd *user;
	unsigned long number;
	char *end;

	number = strtoul(text, &end, 10);
	if (isdigit((unsigned char)*text) && !*end && number < UINT32_MAX) {
		*uid = number;
		return true;
	}
	user = getpwnam(text);
	if (user)
		*uid = user->pw_uid;
	return user;
}

static int check_user(cfg_t *cfg, cfg_opt_t *opt)
{
	uid_t uid;

	if (!cfg_opt_size(opt) || find_user(last_string(opt), &uid))
		return 0;
	cfg_error(cfg, "there is no user '%s'", last_string(opt));
	return -1;
}

static bool limits_sending(cfg_t *section)
{
	struct uvf_limit_words limit;

	return cfg_size(section, "tx_limit") &&
	       !uvf_limit_parse(cfg_getstr(section, "tx_limit"), &limit) &&
	       (limit.rate || limit.pps);
}

/* What options may not stand together. */
static int check_sending(cfg_t *cfg, cfg_t *section)
{
	struct uvf_mirror_words mirror = { .flags = 0 };
	const char *name = cfg_title(section);

	if (cfg_size(section, "mirror"))
		uvf_mirror_parse(cfg_getstr(section, "mirror"), &mirror);
	if (mirror.flags && !strcmp(mirror.to, name)) {
		cfg_error(cfg, "function %s can't be a mirror of itself", name);
		return -1;
	}
	if (!cfg_size(section, "lease") ||
	    (!limits_sending(section) && !(mirror.flags & UVF_MIRROR_TX)))
		return 0;
	cfg_error(cfg, "function %s leases queues, by which it sends past its %s: one or the other",
		  name, limits_sending(section) ? "tx_limit" : "mirror");
	return -1;
}

/* What the sections' titles name, and what must not be left out; the line is the section's end. */
static int check_function(cfg_t *cfg, cfg_opt_t *opt)
{
	cfg_t *section = cfg_opt_getnsec(opt, cfg_opt_size(opt) - 1);

	if (!is_name(cfg_title(section) ?: "", IFNAMSIZ - 1)) {
		cfg_error(cfg, "'%s' can't name a function: 1 to %d characters", cfg_title(section),
			  IFNAMSIZ - 1);
		return -1;
	}
	if (!cfg_size(section, "uplink")) {
		cfg_error(cfg, "function %s has no uplink", cfg_title(section));
		return -1;
	}
	return check_sending(cfg, section);
}

static int check_section(cfg_t *cfg, cfg_opt_t *opt)
{
	const char *title = cfg_title(cfg_opt_getnsec(opt, cfg_opt_size(opt) - 1));

	if (uvf_appliance_valid(title ?: ""))
		return 0;
	cfg_error(cfg, "'%s' can't name an appliance: 1 to %d letters, digits, '.', '_' and '-'",
		  title, UVF_APPLIANCE_SIZE - 1);
	return -1;
}

static cfg_t *open_syntax(void)
{
	cfg_opt_t function[] = {
		CFG_STR("uplink", NULL, CFGF_NODEFAULT),
		CFG_STR("appliance", NULL, CFGF_NODEFAULT),
		CFG_STR("backend", NULL, CFGF_NODEFAULT),
		CFG_STR("mode", NULL, CFGF_NODEFAULT),
		CFG_STR("mac", NULL, CFGF_NODEFAULT),
		CFG_INT("vlan", 0, CFGF_NODEFAULT),
		CFG_INT("queues", 0, CFGF_NODEFAULT),
		CFG_INT("mtu", 0, CFGF_NODEFAULT),
		CFG_INT("lease", 0, CFGF_NODEFAULT),
		CFG_BOOL("up", cfg_true, CFGF_NONE),
		CFG_STR_LIST("rules", NULL, CFGF_NODEFAULT),
		CFG_STR("rx_limit", NULL, CFGF_NODEFAULT),
		CFG_STR("tx_limit", NULL, CFGF_NODEFAULT),
		CFG_STR("mirror", NULL, CFGF_NODEFAULT),
		CFG_END(),
	};
	cfg_opt_t appliance[] = {
		CFG_STR_LIST("users", NULL, CFGF_NODEFAULT),
		CFG_STR("memory", NULL, CFGF_NODEFAULT),
		CFG_INT("linger", 0, CFGF_NODEFAULT),
		CFG_END(),
	};
	cfg_opt_t all[] = {
		CFG_SEC("function", function, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES),
		CFG_SEC("appliance", appliance, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES),
		CFG_END(),
	};

	return cfg_init(all, CFGF_NONE);
}

static void set_checks(cfg_t *cfg)
{
	static const struct {
		const char *option;
		cfg_validate_callback_t check;
	} checks[] = {
		{ "function", check_function }, { "function|uplink", check_link },
		{ "function|appliance", check_appliance }, { "function|backend", check_backend },
		{ "function|mode", check_mode }, { "function|mac", check_mac },
		{ "function|vlan", check_vlan }, { "function|queues", check_queues },
		{ "function|mtu", check_mtu }, { "function|lease", check_lease },
		{ "function|rules", check_rule }, { "function|rx_limit", check_limit },
		{ "function|tx_limit", check_limit }, { "function|mirror", check_mirror },
		{ "appliance", check_section }, { "appliance|users", check_user },
		{ "appliance|memory", check_memory }, { "appliance|linger", check_linger },
	};

	for (unsigned int i = 0; i < sizeof(checks) / sizeof(checks[0]); i++)
		cfg_set_validate_func(cfg, checks[i].option, checks[i].check);
}

static int no_memory(void)
{
	return uvf_fail(ENOMEM, "no memory for the configuration");
}

static const char *string_of(cfg_t *section, const char *name)
{
	return cfg_size(section, name) ? cfg_getstr(section, name) : "";
}

static unsigned int number_of(cfg_t *section, const char *name)
{
	return cfg_size(section, name) ? cfg_getint(section, name) : 0;
}

static int take_rules(struct config_function *function, cfg_t *section)
{
	unsigned int count = cfg_size(section, "rules");

	function->has_rules = count;
	function->rules = calloc(count ?: 1, sizeof(*function->rules));
	if (!function->rules)
		return no_memory();
	for (unsigned int i = 0; i < count; i++) {
		int err = uvf_rule_parse(cfg_getnstr(section, "rules", i), &function->rules[i]);

		if (err)
			return err;
	}
	function->nr_rules = count;
	return 0;
}

static int take_settings(struct config_function *function, cfg_t *section)
{
	static const char *const limits[] = { [UVF_RX] = "rx_limit", [UVF_TX] = "tx_limit" };
	int err = 0;

	for (int i = 0; !err && i < UVF_DIRECTIONS; i++) {
		function->has_limit[i] = cfg_size(section, limits[i]);
		if (function->has_limit[i])
			err = uvf_limit_parse(cfg_getstr(section, limits[i]), &function->limit[i]);
	}
	function->has_mirror = cfg_size(section, "mirror");
	if (!err && function->has_mirror)
		err = uvf_mirror_parse(cfg_getstr(section, "mirror"), &function->mirror);
	return err;
}

/* All was judged before: strings fit. */
static int take_function(struct config_function *function, cfg_t *section)
{
	const char *mode = string_of(section, "mode");

	*function = (struct config_function){
		.backend = *string_of(section, "backend") ?
			word_of(backends, 3, string_of(section, "backend")) : CONFIG_ANY,
		.vlan = number_of(section, "vlan") ?: UVF_VLAN_ANY,
		.mode = *mode ? uvf_mode_parse(mode) : -1,
		.queues = number_of(section, "queues"),
		.mtu = number_of(section, "mtu"),
		.lease = number_of(section, "lease"),
		.up = cfg_getbool(section, "up"),
		.has_mac = cfg_size(section, "mac"),
	};
	if (function->has_mac)
		parse_mac(cfg_getstr(section, "mac"), function->mac);
	snprintf(function->name, sizeof(function->name), "%s", cfg_title(section));
	snprintf(function->uplink, sizeof(function->uplink), "%s", string_of(section, "uplink"));
	snprintf(function->appliance, sizeof(function->appliance), "%s",
		 string_of(section, "appliance"));
	return take_rules(function, section) ?: take_settings(function, section);
}

static int take_appliance(struct config_appliance *appliance, cfg_t *section)
{
	unsigned int count = cfg_size(section, "users");

	*appliance = (struct config_appliance){
		.nr_users = count,
		.has_linger = cfg_size(section, "linger"),
		.linger = number_of(section, "linger"),
	};
	if (cfg_size(section, "memory") &&
	    parse_memory(cfg_getstr(section, "memory"), &appliance->memory))
		return -EINVAL;
	snprintf(appliance->name, sizeof(appliance->name), "%s", cfg_title(section));
	appliance->users = calloc(count ?: 1, sizeof(*appliance->users));
	if (!appliance->users)
		return no_memory();
	for (unsigned int i = 0; i < count; i++)
		if (!find_user(cfg_getnstr(section, "users", i), &appliance->users[i]))
			return uvf_fail(ENOENT, "there is no user '%s' any more",
					cfg_getnstr(section, "users", i));
	return 0;
}

static int take(struct config *config, cfg_t *cfg)
{
	unsigned int functions = cfg_size(cfg, "function"), i;
	unsigned int appliances = cfg_size(cfg, "appliance");
	int err = 0;

	config->functions = calloc(functions ?: 1, sizeof(*config->functions));
	config->appliances = calloc(appliances ?: 1, sizeof(*config->appliances));
	if (!config->functions || !config->appliances)
		return no_memory();
	for (i = 0; !err && i < functions; i++, config->nr_functions++)
		err = take_function(&config->functions[i], cfg_getnsec(cfg, "function", i));
	for (i = 0; !err && i < appliances; i++, config->nr_appliances++)
		err = take_appliance(&config->appliances[i], cfg_getnsec(cfg, "appliance", i));
	return err;
}

static int read_by(struct config *config, int (*read)(cfg_t *cfg, const char *from),
		   const char *from)
{
	cfg_t *cfg = open_syntax();
	int err;

	*config = (struct config){ 0 };
	if (!cfg)
		return no_memory();
	told = false;
	cfg_set_error_function(cfg, on_error);
	set_checks(cfg);
	err = read(cfg, from);
	if (err == CFG_SUCCESS)
		err = take(config, cfg);
	else if (err == CFG_FILE_ERROR)
		err = uvf_fail(errno, "can't read %s: %s", from, strerror(errno));
	else
		err = told ? -EINVAL : uvf_fail(EINVAL, "%s is not a configuration", from);
	cfg_free(cfg);
	return err;
}

/* Past a string or comment that begins at @at; else @at. Newlines in it are counted. */
static const char *skip_quoted(const char *at, int *line)
{
	const char *end = NULL;
	char quote = *at;

	if (quote == '"' || quote == '\'') {
		for (end = at + 1; *end && *end != quote; end++)
			if (*end == '\\' && end[1])
				end++;
		end += !!*end;
	} else if (quote == '#' || !strncmp(at, "//", 2)) {
		end = at + strcspn(at, "\n");
	} else if (!strncmp(at, "/*", 2)) {
		end = strstr(at + 2, "*/") ?: at + strlen(at) - 2;
		end += 2;
	}
	if (!end)
		return at;
	for (const char *c = at; c < end; c++)
		*line += *c == '\n';
	return end;
}

/* To libconfuse, a file that breaks off within a section is whole. */
static int check_whole(const char *name, const char *text)
{
	int line = 1, opened = 0, depth = 0;

	while (*text) {
		const char *next = skip_quoted(text, &line);

		if (next != text) {
			text = next;
			continue;
		}
		if (*text == '{' && !depth++)
			opened = line;
		depth -= *text == '}' && depth;
		line += *text++ == '\n';
	}
	if (!depth)
		return 0;
	return uvf_fail(EINVAL, "%s:%d: what begins here has no closing brace", name, opened);
}

static char *slurp(const char *path)
{
	FILE *from = fopen(path, "re");
	char *text = from ? calloc(1, CONFIG_SIZE_MAX + 1) : NULL;
	size_t size = text ? fread(text, 1, CONFIG_SIZE_MAX + 1, from) : 0;

	if (!from || !text || ferror(from) || size > CONFIG_SIZE_MAX) {
		uvf_fail(errno ?: EFBIG, "can't read %s: %s", path,
			 size > CONFIG_SIZE_MAX ? "it is too long" : strerror(errno));
		free(text);
		text = NULL;
	}
	if (from)
		fclose(from);
	return text;
}

int config_read(struct config *config, const char *path)
{
	char *text = slurp(path);
	int err;

	*config = (struct config){ 0 };
	if (!text)
		return -EIO;
	err = check_whole(path, text);
	free(text);
	return err ?: read_by(config, cfg_parse, path);
}

int config_parse(struct config *config, const char *text)
{
	*config = (struct config){ 0 };
	return check_whole("text", text) ?: read_by(config, cfg_parse_buf, text);
}

void config_free(struct config *config)
{
	for (unsigned int i = 0; config->functions && i < config->nr_functions; i++)
		free(config->functions[i].rules);
	for (unsigned int i = 0; config->appliances && i < config->nr_appliances; i++)
		free(config->appliances[i].users);
	free(config->functions);
	free(config->appliances);
	*config = (struct config){ 0 };
}

bool config_allows(const struct config *config, uid_t uid, const char *appliance)
{
	if (!uid)
		return true;
	for (unsigned int i = 0; i < config->nr_appliances; i++) {
		const struct config_appliance *one = &config->appliances[i];

		if (strcmp(one->name, appliance))
			continue;
		for (unsigned int j = 0; j < one->nr_users; j++)
			if (one->users[j] == uid)
				return true;
	}
	return false;
}
