// SPDX-License-Identifier: GPL-2.0-only
/*
 * A front-end of vhost-user, and the driver of its virtio network device, told by lines on standard
 * input what to do. Each is answered by a line of JSON: "ok" is true, or "why" tells.
 *
 *	connect path=PATH [wait=MS]	to a device that listens
 *	listen path=PATH		for a device that connects, when it is waited for
 *	features [pairs=1] [num=256] [packed] [event_idx] [indirect] [mergeable] [inflight]
 *		[slots] [log]		agree on features; tells what is offered
 *	begin [regions=1] [size=2048] [guard=64] [parts=1] [split_header] [nopost]
 *					memory and rings; buffers are posted
 *	again				begin, after reset, with memory and rings that are there
 *	run [send=N] [expect=N] [idle=1000] [to=MAC] [from=MAC] [first=0] [size=N] [rate=N]
 *		[pair=N] [window=N] [more] [hold] [nowait] [poll] [reconnect] [input]
 *		[after=N]
 *					send so many, receive so many; give up when nothing happens
 *					for idle ms. more: go on counting; hold: received buffers
 *					stay here; nowait: for what was sent; input: serve until the
 *					next line comes; after: call when so many were received;
 *					window: so many may be under way between here and here
 *	post ring=N [count=N]		buffers for the device
 *	stop ring=N | start ring=N base=N | enable ring=N | disable ring=N
 *	base ring=N			behind what was used, as this side knows it
 *	forget region=N | remember region=N | truncate region=N
 *	reset | resume [wait=MS] | close
 *	config | status | rings | errors
 *	dirty [clear]			pages written and logged
 *	evil NAME ring=N		see vhost_client_evil.c
 *	nonsense NAME			see vhost_client_nonsense.c; ok when it was refused
 *	evils | nonsenses		their names
 *	message request=N value=N	one that is not in this list; tells what is answered
 */
#include "vhost_client.h"

#include <netinet/ether.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define WORDS 32

struct words {
	unsigned int n;
	char *word[WORDS];
};

static const char *text(const struct words *words, const char *name)
{
	size_t len = strlen(name);

	for (unsigned int i = 1; i < words->n; i++)
		if (!strncmp(words->word[i], name, len) && words->word[i][len] == '=')
			return words->word[i] + len + 1;
	return NULL;
}

static unsigned long number(const struct words *words, const char *name, unsigned long otherwise)
{
	const char *value = text(words, name);

	return value ? strtoul(value, NULL, 0) : otherwise;
}

static bool given(const struct words *words, const char *name)
{
	for (unsigned int i = 1; i < words->n; i++)
		if (!strcmp(words->word[i], name))
			return true;
	return false;
}

static struct ring *ring_of(struct client *client, const struct words *words)
{
	return &client->ring[number(words, "ring", 0) % RINGS];
}

static int ok(void)
{
	printf("{\"ok\":true}\n");
	return 0;
}

/* --- commands: each prints its own answer, or leaves a reason --------------------------------- */

static int do_connect(struct client *client, const struct words *words)
{
	const char *path = text(words, "path");

	if (path)
		snprintf(client->path, sizeof(client->path), "%s", path);
	device_close(client);
	return device_connect(client, number(words, "wait", 0)) ? -1 : ok();
}

static int do_listen(struct client *client, const struct words *words)
{
	snprintf(client->path, sizeof(client->path), "%s", text(words, "path"));
	client->serves = true;
	return device_listen(client) ? -1 : ok();
}

static int do_features(struct client *client, const struct words *words)
{
	client->pairs = number(words, "pairs", 1);
	client->num = number(words, "num", 256);
	client->packed = given(words, "packed");
	client->event_idx = given(words, "event_idx");
	client->indirect = given(words, "indirect");
	client->mergeable = given(words, "mergeable");
	client->inflight = given(words, "inflight");
	client->slots = given(words, "slots");
	client->log = given(words, "log");
	if (client->pairs > PAIRS || client->num > RING_MAX)
		return fail(client, "%d pairs of %d at most", PAIRS, RING_MAX);
	if (device_features(client))
		return -1;
	printf("{\"ok\":true,\"features\":[");
	for (unsigned int i = 0, n = 0; i < 64; i++)
		if (has(client->offered, i))
			printf("%s%u", n++ ? "," : "", i);
	printf("],\"protocol\":[");
	for (unsigned int i = 0, n = 0; i < 64; i++)
		if (has(client->protocol_offered, i))
			printf("%s%u", n++ ? "," : "", i);
	printf("],\"pairs\":%u}\n", client->max_pairs);
	return 0;
}

static void post_all(struct client *client)
{
	for (unsigned int i = 0; i < 2 * client->pairs; i += 2)
		net_post(client, &client->ring[i], RING_MAX);
}

static int do_again(struct client *client, const struct words *words)
{
	if (device_tell(client))
		return -1;
	if (!given(words, "nopost"))
		post_all(client);
	return ok();
}

static int do_begin(struct client *client, const struct words *words)
{
	client->regions = number(words, "regions", 1);
	client->size = number(words, "size", 2048);
	client->guard = number(words, "guard", 64);
	client->parts = number(words, "parts", 1);
	client->split_header = given(words, "split_header");
	if (!client->regions || client->regions > REGIONS || client->parts > CHAIN_MAX)
		return fail(client, "%d regions, %d parts at most", REGIONS, CHAIN_MAX);
	return device_make(client) ? -1 : do_again(client, words);
}

static void sum(const struct client *client, unsigned long *kicks, unsigned long *calls,
		unsigned long *wrong, const char **why)
{
	for (unsigned int i = 0; i < 2 * client->pairs; i++) {
		*kicks += client->ring[i].kicks;
		*calls += client->ring[i].calls;
		*wrong += client->ring[i].wrong;
		if (client->ring[i].why)
			*why = client->ring[i].why;
	}
}

static void tell_run(const struct client *client, const struct traffic *traffic,
		     unsigned long kicks, unsigned long calls)
{
	const struct numbered_tally *tally = &client->tally;
	unsigned long all_kicks = 0, all_calls = 0, wrong = 0;
	const char *why = "";

	sum(client, &all_kicks, &all_calls, &wrong, &why);
	printf("{\"ok\":true,\"sent\":%u,\"completed\":%u,\"received\":%u,\"doubled\":%u,"
	       "\"missing\":%u,\"damaged\":%u,\"kicks\":%lu,\"calls\":%lu,\"wrong\":%lu,"
	       "\"said\":\"%s\",\"reconnected\":%u,\"gone\":%s,\"seconds\":%.3f}\n",
	       traffic->sent, traffic->completed, tally->came, tally->doubled,
	       numbered_missing(tally), tally->damaged, all_kicks - kicks, all_calls - calls, wrong,
	       why, traffic->reconnected, client->gone ? "true" : "false",
	       traffic->last - traffic->began);
}

static int do_run(struct client *client, const struct words *words)
{
	struct traffic traffic = {
		.send = number(words, "send", 0), .expect = number(words, "expect", 0),
		.idle_ms = number(words, "idle", 1000), .first = number(words, "first", 0),
		.size = number(words, "size", 0), .rate = number(words, "rate", 0),
		.pair = number(words, "pair", -1), .after = number(words, "after", 0),
		.window = number(words, "window", 0),
		.hold = given(words, "hold"), .nowait = given(words, "nowait"),
		.poll = given(words, "poll"), .reconnect = given(words, "reconnect"),
		.until_input = given(words, "input"),
		.to = { 2, 0, 0, 0, 0, 1 }, .from = { 2, 0, 0, 0, 0, 2 },
	};
	unsigned long kicks = 0, calls = 0, wrong = 0;
	const char *why;

	if ((text(words, "to") && !ether_aton_r(text(words, "to"), (void *)traffic.to)) ||
	    (text(words, "from") && !ether_aton_r(text(words, "from"), (void *)traffic.from)))
		return fail(client, "that is no MAC address");
	if (traffic.send > NUMBERED_MAX || (traffic.size && traffic.size < NUMBERED_LEAST) ||
	    traffic.size > SEND_SIZE - 12)
		return fail(client, "%d frames at most, of %d bytes at least", NUMBERED_MAX,
			    NUMBERED_LEAST);
	if (!given(words, "more"))
		numbered_begin(&client->tally);
	sum(client, &kicks, &calls, &wrong, &why);
	if (net_run(client, &traffic))
		return -1;
	tell_run(client, &traffic, kicks, calls);
	return 0;
}

static int do_post(struct client *client, const struct words *words)
{
	net_post(client, ring_of(client, words), number(words, "count", RING_MAX));
	return ok();
}

static int do_stop(struct client *client, const struct words *words)
{
	struct ring *ring = ring_of(client, words);
	uint32_t base;

	if (device_stop_ring(client, ring, &base))
		return -1;
	printf("{\"ok\":true,\"base\":%u}\n", base);
	return 0;
}

/* By what was taken from it. */
static int do_base(struct client *client, const struct words *words)
{
	printf("{\"ok\":true,\"base\":%u}\n", device_base(ring_of(client, words)));
	return 0;
}

static int do_start(struct client *client, const struct words *words)
{
	struct ring *ring = ring_of(client, words);

	return device_start_ring(client, ring, number(words, "base", 0)) ? -1 : ok();
}

static int do_enable(struct client *client, const struct words *words)
{
	bool on = !strcmp(words->word[0], "enable");

	return device_enable(client, ring_of(client, words), on) ? -1 : ok();
}

static int do_region(struct client *client, const struct words *words)
{
	unsigned int region = number(words, "region", 0) % REGIONS;

	if (!strcmp(words->word[0], "truncate"))
		return ftruncate(client->memory.fd[region], 0) ? fail(client, "not truncated") : ok();
	if (!strcmp(words->word[0], "forget"))
		return device_forget(client, region) ? -1 : ok();
	return device_remember(client, region) ? -1 : ok();
}

static int do_reset(struct client *client, const struct words *words)
{
	return device_reset(client) ? -1 : ok();
}

static int do_resume(struct client *client, const struct words *words)
{
	return device_resume(client, number(words, "wait", 5000)) ? -1 : ok();
}

static int do_close(struct client *client, const struct words *words)
{
	device_close(client);
	return ok();
}

/* Virtio 1.2, 5.1.4 */
static int do_config(struct client *client, const struct words *words)
{
	struct message message = { .request = GET_CONFIG };
	struct virtio_net_config config;

	message.config.size = offsetof(struct virtio_net_config, speed);
	message.size = 12 + message.config.size;
	if (message_ask(client, &message, NULL))
		return -1;
	if (message.size < 12 + offsetof(struct virtio_net_config, speed))
		return fail(client, "the device did not tell its config space");
	memcpy(&config, message.config.bytes, offsetof(struct virtio_net_config, speed));
	message_backend(client);
	printf("{\"ok\":true,\"mac\":\"%s\",\"up\":%s,\"pairs\":%u,\"mtu\":%u,\"changes\":%u}\n",
	       ether_ntoa((void *)config.mac), config.status & VIRTIO_NET_S_LINK_UP ? "true" : "false",
	       config.max_virtqueue_pairs, config.mtu, client->changes);
	return 0;
}

static int do_status(struct client *client, const struct words *words)
{
	struct message message = { .request = GET_STATUS };

	if (!has(client->protocol, F_STATUS))
		return fail(client, "the device has no status");
	if (message_ask(client, &message, NULL))
		return -1;
	printf("{\"ok\":true,\"status\":%u,\"needs_reset\":%s}\n", (unsigned int)message.u64,
	       message.u64 & VIRTIO_CONFIG_S_NEEDS_RESET ? "true" : "false");
	return 0;
}

static int do_rings(struct client *client, const struct words *words)
{
	printf("{\"ok\":true,\"rings\":[");
	for (unsigned int i = 0; i < 2 * client->pairs; i++) {
		const struct ring *ring = &client->ring[i];

		printf("%s{\"in_flight\":%u,\"chains\":%lu,\"kicks\":%lu,\"calls\":%lu}",
		       i ? "," : "", ring_in_flight(ring), ring->chains, ring->kicks, ring->calls);
	}
	printf("]}\n");
	return 0;
}

/* What the device said by the error descriptors, since the last time. */
static int do_errors(struct client *client, const struct words *words)
{
	unsigned long errors = 0;
	uint64_t count;

	for (unsigned int i = 0; i < 2 * client->pairs; i++)
		if (read(client->ring[i].err, &count, sizeof(count)) == sizeof(count))
			errors += count;
	printf("{\"ok\":true,\"errors\":%lu,\"gone\":%s}\n", errors,
	       message_hung_up(client) ? "true" : "false");
	return 0;
}

static int do_dirty(struct client *client, const struct words *words)
{
	unsigned int logged = 0, written = 0, missing = 0;

	if (!client->dirty)
		return fail(client, "there is no log");
	for (size_t i = 0; i < client->dirty_size; i++) {
		logged += __builtin_popcount(client->dirty[i]);
		written += __builtin_popcount(client->written[i]);
		missing += __builtin_popcount(client->written[i] & ~client->dirty[i]);
	}
	if (given(words, "clear")) {
		memset(client->dirty, 0, client->dirty_size);
		memset(client->written, 0, client->dirty_size);
	}
	printf("{\"ok\":true,\"logged\":%u,\"written\":%u,\"missing\":%u}\n", logged, written, missing);
	return 0;
}

static int do_message(struct client *client, const struct words *words)
{
	struct message message = { .request = number(words, "request", 0), .flags = FLAG_NEED_REPLY,
				   .size = number(words, "bytes", 8),
				   .u64 = number(words, "value", 0) };

	if (message.size > sizeof(message.bytes))
		return fail(client, "too long");
	if (message_send(client, &message, NULL, 0) || message_answer(client, &message, NULL))
		return -1;
	printf("{\"ok\":true,\"bytes\":%u,\"value\":%llu}\n", message.size,
	       (unsigned long long)message.u64);
	return 0;
}

static int do_evil(struct client *client, const struct words *words)
{
	if (words->n < 2 || evil_do(client, ring_of(client, words), words->word[1]))
		return words->n < 2 ? fail(client, "which evil?") : -1;
	return ok();
}

static int do_nonsense(struct client *client, const struct words *words)
{
	const char *name = words->n < 2 ? "" : words->word[1];

	if (nonsense_say(client, name))
		return -1;
	printf("{\"ok\":true,\"gone\":%s}\n", message_hung_up(client) ? "true" : "false");
	return 0;
}

static int do_names(struct client *client, const struct words *words)
{
	bool evils = !strcmp(words->word[0], "evils");
	const char *name;

	printf("{\"ok\":true,\"names\":[");
	for (unsigned int i = 0; (name = evils ? evil_name(i) : nonsense_name(i)); i++)
		printf("%s\"%s\"", i ? "," : "", name);
	printf("]}\n");
	return 0;
}

static const struct {
	const char *name;
	int (*act)(struct client *client, const struct words *words);
} commands[] = {
	{ "connect", do_connect }, { "listen", do_listen }, { "features", do_features },
	{ "begin", do_begin }, { "again", do_again }, { "run", do_run }, { "post", do_post },
	{ "stop", do_stop }, { "base", do_base }, { "start", do_start }, { "enable", do_enable },
	{ "disable", do_enable }, { "forget", do_region }, { "remember", do_region },
	{ "truncate", do_region }, { "reset", do_reset }, { "resume", do_resume },
	{ "close", do_close }, { "config", do_config }, { "status", do_status },
	{ "rings", do_rings }, { "errors", do_errors }, { "dirty", do_dirty },
	{ "message", do_message }, { "evil", do_evil }, { "evils", do_names },
	{ "nonsense", do_nonsense }, { "nonsenses", do_names },
};

static int obey(struct client *client, const struct words *words)
{
	for (unsigned int i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (!strcmp(words->word[0], commands[i].name))
			return commands[i].act(client, words);
	return fail(client, "'%s' is no command", words->word[0]);
}

int main(void)
{
	static struct client client = { .listener = -1, .sock = -1, .backend = -1,
					.inflight_fd = -1, .gone = true };
	struct words words;
	char *line = NULL;
	size_t room = 0;

	signal(SIGPIPE, SIG_IGN);
	setlinebuf(stdout);
	while (getline(&line, &room, stdin) > 0) {
		char *word = strtok(line, " \n");

		for (words.n = 0; word && words.n < WORDS; word = strtok(NULL, " \n"))
			words.word[words.n++] = word;
		if (words.n && obey(&client, &words))
			printf("{\"ok\":false,\"why\":\"%s\"}\n", client.why);
	}
	free(line);
	return 0;
}
