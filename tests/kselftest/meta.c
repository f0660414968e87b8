// SPDX-License-Identifier: GPL-2.0-only
/*
 * An appliance with metadata.
 *
 *	meta receive fw0 COUNT		what is known of each frame, as JSON
 *	meta send fw0 MAC COUNT WHAT	UDP with a checksum to be made; WHAT: none, checksum, time
 *	meta forward fw0 fw1		crash_forward, and what was asked for comes out: nothing
 *	meta refused			what can't be asked for
 *
 * Options of the session: META=rx, tx, both or none in the environment. Says "ready" first.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <netinet/ether.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <uvf/libuvf.h>

#define BURST 64
#define FRAME_MAX 9014
#define COOKIE 0xc00c1e00ULL
#define BUFFER 1792

static volatile sig_atomic_t ended;
static struct uvf *uvf;

static void on_signal(int signal)
{
	ended = 1;
}

static void check(int err)
{
	if (!err)
		return;
	fprintf(stderr, "meta: %s\n", uvf__why());
	exit(1);
}

static struct uvf_dev *dev_open(const char *name)
{
	struct uvf_dev *dev;

	check(uvf_dev__open(&dev, uvf, name));
	return dev;
}

static void ready(void)
{
	struct uvf_account at;

	uvf__account(uvf, &at);
	printf("ready resumed=%u\n", at.resumed);
	fflush(stdout);
}

static int64_t tai(void)
{
	struct timespec now;

	clock_gettime(CLOCK_TAI, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

/* --- receive -------------------------------------------------------------------------------- */

static void tell(const struct uvf_frame *frames, unsigned int n)
{
	struct uvf_meta meta, rest;
	uint32_t known = uvf__meta(uvf, frames, &meta), behind = 0;

	for (unsigned int i = 1; i < n; i++)
		behind |= uvf__meta(uvf, &frames[i], &rest);
	printf("{ \"known\": %u, \"age_us\": %lld, \"time\": %llu, \"hash\": %u, \"hash_type\": %u, "
	       "\"vlan_proto\": %u, \"vlan_tci\": %u, \"buffers\": %u, \"behind\": %u }\n", known,
	       (long long)(tai() - (int64_t)meta.time) / 1000, (unsigned long long)meta.time,
	       meta.hash, meta.hash_type, meta.vlan_proto, meta.vlan_tci, n, behind);
	fflush(stdout);
}

static void receive(const char *name, unsigned long count)
{
	struct uvf_dev *dev = dev_open(name);
	struct uvf_frame frames[BURST];

	ready();
	for (unsigned long got = 0; got < count && !ended;) {
		unsigned int n = uvf_dev__rx(dev, frames, BURST), size;

		for (unsigned int i = 0; i < n; i += size, got++) {
			size = uvf_frame__buffers(frames + i, n - i);
			tell(frames + i, size);
		}
		uvf__free(uvf, frames, n);
		if (!n)
			uvf__wait(uvf, 1000);
	}
}

/* --- send ----------------------------------------------------------------------------------- */

static uint32_t words(const void *data, size_t size)
{
	const uint8_t *at = data;
	uint32_t sum = 0;

	for (size_t i = 0; i + 1 < size; i += 2)
		sum += at[i] << 8 | at[i + 1];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

/* From 10.0.1.7 to 10.0.1.2. Its UDP checksum is the pseudo header's sum, as yet. */
static void frame_make(uint8_t *at, uint32_t size, const char *to, const uint8_t *from,
		       unsigned int number)
{
	struct { uint32_t from, to; uint16_t proto, len; } pseudo;
	struct ethhdr *eth = (void *)at;
	struct iphdr *ip = (void *)(eth + 1);
	struct udphdr *udp = (void *)(ip + 1);
	uint32_t len = size - sizeof(*eth) - sizeof(*ip);

	memset(at, 0, size);
	memcpy(eth->h_dest, ether_aton(to), ETH_ALEN);
	memcpy(eth->h_source, from, ETH_ALEN);
	eth->h_proto = htons(ETH_P_IP);
	*ip = (struct iphdr){
		.version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_UDP,
		.tot_len = htons(size - sizeof(*eth)), .id = htons(number),
		.saddr = inet_addr("10.0.1.7"), .daddr = inet_addr("10.0.1.2"),
	};
	ip->check = htons(~words(ip, sizeof(*ip)));
	pseudo = (typeof(pseudo)){ ip->saddr, ip->daddr, htons(IPPROTO_UDP), htons(len) };
	*udp = (struct udphdr){ .source = htons(4000 + number % 1000), .dest = htons(9),
				.len = htons(len), .check = htons(words(&pseudo, sizeof(pseudo))) };
	for (uint32_t i = sizeof(*udp); i < len; i++)
		((uint8_t *)udp)[i] = i * 7 + number;
}

/* Of as many buffers as it takes. */
static unsigned int frame_lay(struct uvf_frame *frames, const uint8_t *data, uint32_t size)
{
	unsigned int n = (size + BUFFER - 1) / BUFFER;

	if (uvf__alloc(uvf, frames, n) != n)
		exit(2);
	for (unsigned int i = 0; i < n; i++) {
		frames[i].len = size < BUFFER ? size : BUFFER;
		frames[i].options = i + 1 < n ? UVF_MORE : 0;
		memcpy(uvf__data(uvf, &frames[i]), data, frames[i].len);
		data += frames[i].len;
		size -= frames[i].len;
	}
	return n;
}

static uint32_t what_of(const char *words)
{
	return (strstr(words, "checksum") ? UVF_ASK_CHECKSUM : 0) |
	       (strstr(words, "time") ? UVF_ASK_TIME : 0);
}

static void tell_sent(struct uvf_dev *dev, unsigned long count)
{
	unsigned long told = 0, timed = 0, odd = 0;
	struct uvf_sent sent[BURST];
	int64_t end = tai() + 3000000000LL;

	while (told < count && tai() < end) {
		unsigned int n = uvf_dev__sent(dev, sent, BURST);

		for (unsigned int i = 0; i < n; i++, told++) {
			odd += sent[i].cookie < COOKIE || sent[i].cookie >= COOKIE + count;
			timed += tai() - (int64_t)sent[i].time < 30000000000LL;
		}
		if (!n)
			uvf__wait(uvf, 10);
	}
	printf("{ \"asks\": %u, \"told\": %lu, \"timed\": %lu, \"odd\": %lu }\n",
	       uvf_dev__info(dev)->asks, told, timed, odd);
	fflush(stdout);
}

static void send_frames(const char *name, const char *to, unsigned long count, const char *words)
{
	uint32_t what = what_of(words), size = getenv("SIZE") ? atoi(getenv("SIZE")) : 101;
	struct uvf_dev *dev = dev_open(name);
	uint8_t whole[FRAME_MAX];

	ready();
	for (unsigned long i = 0; i < count; i++) {
		struct uvf_ask ask = { .what = what, .cookie = COOKIE + i, .checksum_start = 34,
				       .checksum_offset = offsetof(struct udphdr, check) };
		struct uvf_frame frames[UVF_BUFFERS];
		unsigned int n;

		frame_make(whole, size, to, uvf_dev__info(dev)->mac, i);
		n = frame_lay(frames, whole, size);
		if (what)
			check(uvf__ask(uvf, frames, &ask));
		while (!uvf_dev__tx(dev, frames, n))
			uvf__wait(uvf, 10);
	}
	tell_sent(dev, what & UVF_ASK_TIME ? count : 0);
}

/* --- forward -------------------------------------------------------------------------------- */

/* UVF_ASKED of a frame that came is never set; with RETIME=1 it is asked for its time. */
static void forward(const char *from, const char *to)
{
	struct uvf_dev *in = dev_open(from), *out = dev_open(to);
	const struct uvf_ask ask = { .what = UVF_ASK_TIME, .cookie = COOKIE };
	unsigned long forwarded = 0, asked = 0, told = 0;
	bool retime = getenv("RETIME");
	struct uvf_frame frames[BURST];
	struct uvf_sent sent[BURST];

	ready();
	while (!ended) {
		unsigned int n = uvf_dev__rx(in, frames, BURST), done = 0;

		for (unsigned int i = 0; i < n; i++) {
			asked += !!(frames[i].options & UVF_ASKED);
			if (retime && (!i || !(frames[i - 1].options & UVF_MORE)))
				check(uvf__ask(uvf, &frames[i], &ask));
		}
		while (done < n && !ended) {
			done += uvf_dev__tx(out, frames + done, n - done);
			if (done < n)
				uvf__wait(uvf, 10);
		}
		forwarded += done;
		told += uvf_dev__sent(out, sent, BURST);
		if (!n)
			uvf__wait(uvf, 100);
	}
	printf("{ \"forwarded\": %lu, \"asked\": %lu, \"told\": %lu }\n", forwarded, asked, told);
}

/* --- refused -------------------------------------------------------------------------------- */

static void try(const char *what, struct uvf_frame frame, const struct uvf_ask *ask)
{
	int err = uvf__ask(uvf, &frame, ask);

	printf("%s: %d %x %s\n", what, err, frame.options, err ? uvf__why() : "");
}

static void refused(void)
{
	struct uvf_frame frame, low;

	if (uvf__alloc(uvf, &frame, 1) != 1)
		exit(2);
	frame.len = 60;
	low = frame;
	low.addr -= 225;
	try("plain", frame, &(struct uvf_ask){ .what = UVF_ASK_TIME });
	try("nothing", frame, &(struct uvf_ask){ 0 });
	try("unknown", frame, &(struct uvf_ask){ .what = 4 });
	try("low", low, &(struct uvf_ask){ .what = UVF_ASK_TIME });
	try("behind", frame, &(struct uvf_ask){ .what = UVF_ASK_CHECKSUM, .checksum_start = 34,
						.checksum_offset = 25 });
	try("last", frame, &(struct uvf_ask){ .what = UVF_ASK_CHECKSUM, .checksum_start = 34,
					      .checksum_offset = 24 });
	frame.addr = ~0ULL << 11;
	try("nowhere", frame, &(struct uvf_ask){ .what = UVF_ASK_TIME });
}

static uint32_t meta_option(void)
{
	const char *meta = getenv("META") ?: "none";

	return (!strcmp(meta, "rx") || !strcmp(meta, "both") ? UVF_META_RX : 0) |
	       (!strcmp(meta, "tx") || !strcmp(meta, "both") ? UVF_META_TX : 0);
}

int main(int argc, char **argv)
{
	struct uvf_opts opts = { .size = sizeof(opts), .jumbo = UVF_JUMBO_IF_SET,
				 .meta = meta_option() };
	struct sigaction action = { .sa_handler = on_signal };

	sigaction(SIGTERM, &action, NULL);
	check(uvf__open(&uvf, &opts));
	if (argc == 4 && !strcmp(argv[1], "receive"))
		receive(argv[2], strtoul(argv[3], NULL, 10));
	else if (argc == 6 && !strcmp(argv[1], "send"))
		send_frames(argv[2], argv[3], strtoul(argv[4], NULL, 10), argv[5]);
	else if (argc == 4 && !strcmp(argv[1], "forward"))
		forward(argv[2], argv[3]);
	else if (argc == 2 && !strcmp(argv[1], "refused"))
		refused();
	else
		return 64;
	uvf__close(uvf);
	return 0;
}
