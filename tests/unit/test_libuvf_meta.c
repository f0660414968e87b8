// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is known of frames, and asked for with them: it is that of this frame and never of one that
 * lay there before; and of a frame that was given away by somebody who died, it was asked for.
 */
#include "deaths.h"

#include <endian.h>

#define DEATHS 25
#define STEPS 6000
#define COOKIE 0x1000ULL

/* In front of a frame that is sent. */
struct front {
	uint64_t cookie;
	uint64_t flags;
	uint16_t start, offset;
	uint32_t pad;
	uint64_t launch;
};

static uint32_t number; /* of the last frame that was received, from 1 on */
static uint8_t left[4096]; /* how often each has left */

static int meta_make(uint32_t what)
{
	meta = what;
	number = 0;
	memset(left, 0, sizeof(left));
	srandom(seed);
	session_make(FRAMES, 2048);
	dev_make(0, UINT32_MAX - 40);
	dev_make(1, UINT32_MAX - 20);
	return 0;
}

static int both(void **state)
{
	return meta_make(UVF_META_RX | UVF_META_TX);
}

static int none(void **state)
{
	return meta_make(0);
}

static int both_jumbo(void **state)
{
	jumbo = true;
	return both(state);
}

static int both_zerocopy(void **state)
{
	zerocopy = jumbo = true;
	return both(state);
}

static int meta_end(void **state)
{
	meta = 0;
	jumbo = zerocopy = false;
	return session_end(state);
}

#define test_with(how, name) cmocka_unit_test_setup_teardown(name, how, meta_end)

/* --- received -------------------------------------------------------------------------------- */

static struct uvf_meta_block *block_at(uint64_t addr)
{
	return (struct uvf_meta_block *)(uvf->area + (addr & ~2047ULL) + HEADROOM) - 1;
}

static const struct uvf_meta_block written = {
	.time = 1234567890123456789, .hardware_time = 42, .hash = 0xdeadbeef,
	.hash_type = UVF_HASH_IP4 | UVF_HASH_PORTS | UVF_HASH_UDP, .vlan_proto = 0x8100,
	.vlan_tci = 0x6005,
	.known = UVF_BLOCK_MAGIC | UVF_KNOWN_TIME | UVF_KNOWN_HARDWARE_TIME | UVF_KNOWN_HASH |
		 UVF_KNOWN_VLAN | 1 << 9,
};

static struct xdp_desc *last_received(unsigned int i)
{
	struct uvf_ring *rx = &devs[i]->source[0].rx;

	return ring_desc(rx, *rx->producer - 1);
}

static void is_told(void **state)
{
	struct uvf_meta meta;

	assert_int_equal(kernel_receive(0, 1), 1);
	*block_at(last_received(0)->addr) = written;
	rx(0, 1);
	assert_int_equal(uvf__meta(uvf, held, &meta), 15);
	assert_int_equal(meta.known, 15);
	assert_int_equal(meta.time, written.time);
	assert_int_equal(meta.hardware_time, 42);
	assert_int_equal(meta.hash, 0xdeadbeef);
	assert_int_equal(meta.hash_type, UVF_HASH_IP4 | UVF_HASH_PORTS | UVF_HASH_UDP);
	assert_int_equal(meta.vlan_proto, 0x8100);
	assert_int_equal(meta.vlan_tci, 0x6005);
	held[0].addr += 100; /* its first byte may be elsewhere by now */
	assert_int_equal(uvf__meta(uvf, held, &meta), 15);
	held[0].addr -= 140;
	assert_int_equal(uvf__meta(uvf, held, &meta), 15);
}

static void nothing_is_known(const struct uvf_frame *frame)
{
	static const struct uvf_meta zero;
	struct uvf_meta meta;

	memset(&meta, 0xff, sizeof(meta));
	assert_int_equal(uvf__meta(uvf, frame, &meta), 0);
	assert_memory_equal(&meta, &zero, sizeof(zero));
}

/* The memory of a frame of which something was known is used again, for one of which nothing is. */
static void is_not_told_of_another(void **state)
{
	unsigned int n;

	for (uint64_t i = 0; i < FRAMES; i++)
		*block_at(i * 2048) = written;
	rx(0, 1);
	rx(1, 1);
	release(helds);
	for (unsigned int turn = 0; turn < 20; turn++) {
		n = kernel_receive(0, RING);
		rx(0, n);
		/* Those of the first turns were lent before they were spoilt. */
		for (unsigned int j = 0; turn > 10 && j < helds; j++)
			nothing_is_known(&held[j]);
		for (unsigned int j = 0; j < helds; j++)
			*block_at(held[j].addr) = written;
		release(helds);
	}
	assert_int_equal(alloc(20), 20);
	for (unsigned int j = 0; j < helds; j++)
		nothing_is_known(&held[j]);
	account();
}

static void is_not_told_of_what_is_none(void **state)
{
	struct uvf_frame away[] = { { .addr = FRAMES * 2048 }, { .addr = ~0ULL } };

	assert_int_equal(alloc(1), 1);
	*block_at(held[0].addr) = written;
	block_at(held[0].addr)->known ^= 1 << 20;
	nothing_is_known(held);
	nothing_is_known(&away[0]);
	nothing_is_known(&away[1]);
}

static void is_not_told_unasked(void **state)
{
	assert_int_equal(alloc(1), 1);
	*block_at(held[0].addr) = written;
	nothing_is_known(held);
	assert_int_equal(block_at(held[0].addr)->known, written.known); /* nor looked after */
	held[0].options = UVF_ASKED;
	held[0].len = 60;
	assert_int_equal(uvf_dev__tx(devs[1], held, 1), 1);
	assert_int_equal(ring_desc(&devs[1]->source[0].tx,
				   *devs[1]->source[0].tx.producer - 1)->options, 0);
	assert_int_equal(uvf__ask(uvf, held, &(struct uvf_ask){ .what = UVF_ASK_TIME }),
			 -EOPNOTSUPP);
	assert_int_equal(uvf_dev__info(devs[1])->asks, 0);
	helds = 0;
}

/* --- sent ------------------------------------------------------------------------------------ */

static struct front *front_of(uint64_t addr)
{
	return (struct front *)(uvf->area + addr) - 1;
}

static const struct xdp_desc *given(unsigned int back)
{
	const struct uvf_ring *tx = &devs[1]->source[0].tx;

	return ring_desc(tx, *tx->producer - 1 - back);
}

static void allocate(uint32_t len)
{
	assert_int_equal(alloc(1), 1);
	held[helds - 1].len = len;
}

static void give(unsigned int n)
{
	assert_int_equal(uvf_dev__tx(devs[1], held, n), n);
	memmove(held, held + n, (helds - n) * sizeof(*held));
	helds -= n;
}

static const struct uvf_ask ask_both = { .what = UVF_ASK_CHECKSUM | UVF_ASK_TIME,
					 .checksum_start = 34, .checksum_offset = 6,
					 .cookie = COOKIE };

static void is_asked_for(void **state)
{
	const struct front *front;

	assert_int_equal(uvf_dev__info(devs[1])->asks, UVF_ASK_CHECKSUM | UVF_ASK_TIME);
	allocate(60);
	allocate(60);
	assert_int_equal(uvf__ask(uvf, &held[0], &ask_both), 0);
	assert_int_equal(held[0].options, UVF_ASKED);
	nothing_is_known(&held[0]);
	give(2);
	assert_int_equal(given(1)->options, XDP_TX_METADATA);
	assert_int_equal(given(0)->options, 0);
	front = front_of(given(1)->addr);
	assert_int_equal(front->flags, 3); /* XDP_TXMD_FLAGS_*, linux/if_xdp.h */
	assert_int_equal(front->start, 34);
	assert_int_equal(front->offset, 6);
	assert_int_equal(front->launch, 0);
	account();
}

/* What lies in front of a frame that is forwarded is nobody's request. */
static void is_not_asked_for_by_another(void **state)
{
	for (unsigned int turn = 0; turn < 8; turn++) {
		kernel_receive(0, RING);
		rx(0, RING);
		for (unsigned int i = 0; i < helds; i++) {
			assert_int_equal(held[i].options, 0);
			*front_of(held[i].addr) = (struct front){ .flags = 3, .start = 5 };
		}
		give(helds);
		for (unsigned int i = 0; i < RING / 2; i++)
			assert_int_equal(given(i)->options, 0);
		kernel_take_tx(1, RING);
		kernel_complete(1, RING);
		assert_int_equal(uvf_dev__sent(devs[1], &(struct uvf_sent){ 0 }, 1), 0);
	}
	account();
}

static void is_refused(void **state)
{
	struct uvf_ask ask = ask_both;
	struct uvf_frame frame;

	allocate(60);
	frame = held[0];
	ask.checksum_offset = 24;
	assert_int_equal(uvf__ask(uvf, &frame, &ask), 0);
	ask.checksum_offset = 25;
	assert_int_equal(uvf__ask(uvf, &frame, &ask), -EINVAL);
	assert_non_null(strstr(uvf__why(), "byte 59 of a frame of 60"));
	assert_int_equal(frame.options, 0); /* of before, neither */
	ask = (struct uvf_ask){ .what = UVF_ASK_CHECKSUM, .checksum_start = 0xffff,
				.checksum_offset = 0xffff };
	assert_int_equal(uvf__ask(uvf, &frame, &ask), -EINVAL);
	ask = (struct uvf_ask){ .what = 4 };
	assert_int_equal(uvf__ask(uvf, &frame, &ask), -EINVAL);
	ask = (struct uvf_ask){ .what = UVF_ASK_TIME };
	frame.addr -= HEADROOM - 31;
	assert_int_equal(uvf__ask(uvf, &frame, &ask), -EINVAL);
	frame.addr = (1ULL << 40) + 300;
	assert_int_equal(uvf__ask(uvf, &frame, &ask), -EINVAL);
}

/* The kernel would refuse these for ever, and all behind them. */
static void no_longer_fits(void **state)
{
	struct uvf_ask sum = ask_both;

	sum.what = UVF_ASK_CHECKSUM;
	allocate(60);
	allocate(60);
	allocate(60);
	assert_int_equal(uvf__ask(uvf, &held[0], &ask_both), 0);
	assert_int_equal(uvf__ask(uvf, &held[1], &sum), 0);
	assert_int_equal(uvf__ask(uvf, &held[2], &ask_both), 0);
	held[0].len = held[1].len = 41;
	held[2].addr -= 240; /* where nothing fits in front */
	give(3);
	assert_int_equal(given(2)->options, XDP_TX_METADATA);
	assert_int_equal(front_of(given(2)->addr)->flags, 1);
	assert_int_equal(given(1)->options, 0);
	assert_int_equal(given(0)->options, 0);
	kernel_take_tx(1, RING);
	kernel_complete(1, RING);
	assert_int_equal(uvf_dev__sent(devs[1], (struct uvf_sent[4]){ 0 }, 4), 1);
}

static void first_buffer_asks(void **state)
{
	for (unsigned int i = 0; i < 3; i++) {
		allocate(100);
		held[i].options = i < 2 ? UVF_MORE : 0;
	}
	assert_int_equal(uvf__ask(uvf, &held[0], &ask_both), 0);
	assert_int_equal(held[0].options, UVF_MORE | UVF_ASKED);
	held[1].options |= UVF_ASKED; /* nobody may, and nobody hears it */
	give(3);
	assert_int_equal(given(2)->options, XDP_PKT_CONTD | XDP_TX_METADATA);
	assert_int_equal(given(1)->options, XDP_PKT_CONTD);
	assert_int_equal(given(0)->options, 0);
	account();
}

/* RFC 1071, as it is written there. */
static uint16_t sum_of(const uint8_t *data, unsigned int len)
{
	uint32_t sum = 0;

	for (; len > 1; data += 2, len -= 2)
		sum += data[0] << 8 | data[1];
	sum += len ? data[0] << 8 : 0;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

static void summed(const uint32_t *lens, unsigned int n, uint16_t start, uint16_t offset, int fill)
{
	const struct uvf_ask ask = { .what = UVF_ASK_CHECKSUM, .checksum_start = start,
				     .checksum_offset = offset };
	uint8_t whole[4096];
	uint32_t size = 0;
	uint16_t sum;

	for (unsigned int i = 0; i < n; size += lens[i++]) {
		allocate(lens[i]);
		held[i].options = i + 1 < n ? UVF_MORE : 0;
		for (unsigned int j = 0; j < lens[i]; j++)
			whole[size + j] = fill < 0 ? random() : fill;
		memcpy(uvf__data(uvf, &held[i]), whole + size, lens[i]);
	}
	sum = htobe16(sum_of(whole + start, size - start) ?: 0xffff);
	memcpy(whole + start + offset, &sum, sizeof(sum));
	assert_int_equal(uvf__ask(uvf, &held[0], &ask), 0);
	give(n);
	for (unsigned int i = n, end = size; i--; end -= lens[i]) {
		assert_int_equal(given(n - 1 - i)->options, i + 1 < n ? XDP_PKT_CONTD : 0);
		assert_memory_equal(uvf->area + given(n - 1 - i)->addr, whole + end - lens[i],
				    lens[i]);
	}
	kernel_take_tx(1, RING);
	kernel_complete(1, RING);
	uvf_dev__tx(devs[1], NULL, 0);
}

/* Where the kernel does not, the library does. */
static void sums_are_made(void **state)
{
	assert_int_equal(uvf_dev__info(devs[1])->asks, 0);
	summed((uint32_t[]){ 60 }, 1, 34, 6, -1);
	summed((uint32_t[]){ 61 }, 1, 34, 6, -1);
	summed((uint32_t[]){ 62 }, 1, 35, 6, -1);
	summed((uint32_t[]){ 60, 61, 63 }, 3, 34, 6, -1);
	summed((uint32_t[]){ 61, 62, 1, 900 }, 4, 34, 16, -1);
	summed((uint32_t[]){ 36 }, 1, 34, 0, -1);
	summed((uint32_t[]){ 60 }, 1, 34, 6, 0xff); /* 0 is 0xffff */
	summed((uint32_t[]){ 60 }, 1, 34, 6, 0);
	for (unsigned int i = 0; i < 200; i++)
		summed((uint32_t[]){ 60 + random() % 500, 1 + random() % 500 }, 2,
		       14 + random() % 20, random() % 20, -1);
	account();
}

static void no_time_is_told(void **state)
{
	struct uvf_sent sent[2];

	allocate(60);
	assert_int_equal(uvf__ask(uvf, held, &ask_both), 0);
	give(1);
	kernel_take_tx(1, RING);
	kernel_complete(1, RING);
	assert_int_equal(uvf_dev__sent(devs[1], sent, 2), 1);
	assert_int_equal(sent[0].cookie, COOKIE);
	assert_int_equal(sent[0].time, 0);
}

/* --- times ----------------------------------------------------------------------------------- */

#define NOW 1796009675575457966ULL

/* As the kernel does when it is done with a frame. */
static void write_times(uint64_t time)
{
	for (unsigned int i = 0; i < kernels[1].sendings; i++) {
		const struct xdp_desc *desc = &kernels[1].sending[i];
		struct front *front = front_of(desc->addr);

		if (desc->options & XDP_TX_METADATA && front->flags & 1)
			memcpy(&front->start, &time, sizeof(time));
	}
}

static void send_asked(unsigned int n, uint64_t cookie)
{
	struct uvf_ask ask = ask_both;

	for (unsigned int i = 0; i < n; i++) {
		allocate(60);
		ask.cookie = cookie + i;
		assert_int_equal(uvf__ask(uvf, &held[i], &ask), 0);
	}
	give(n);
	kernel_take_tx(1, RING);
}

static void times_are_told(void **state)
{
	struct uvf_sent sent[RING];

	send_asked(3, COOKIE);
	assert_int_equal(uvf_dev__sent(devs[1], sent, RING), 0);
	write_times(NOW);
	kernel_complete(1, RING);
	assert_int_equal(uvf_dev__sent(devs[1], sent, 2), 2);
	assert_int_equal(uvf_dev__sent(devs[1], sent + 2, RING), 1);
	assert_int_equal(uvf_dev__sent(devs[1], sent + 3, RING), 0);
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(sent[i].time, NOW);
	assert_int_equal(sent[0].cookie + sent[1].cookie + sent[2].cookie, 3 * COOKIE + 3);
	/* A frame that the kernel dropped was completed, and has no time. */
	send_asked(1, COOKIE);
	kernel_complete(1, RING);
	assert_int_equal(uvf_dev__sent(devs[1], sent, RING), 1);
	assert_int_equal(sent[0].time, 0);
	account();
}

/* What the memory of a frame was asked for is not asked for again with the next one there. */
static void times_are_not_told_again(void **state)
{
	struct uvf_sent sent[RING];
	uint64_t addr;

	send_asked(1, COOKIE);
	addr = given(0)->addr;
	write_times(NOW);
	kernel_complete(1, RING);
	assert_int_equal(uvf_dev__sent(devs[1], sent, RING), 1);
	allocate(60);
	give(1);
	assert_int_equal(given(0)->addr, addr);
	assert_int_equal(front_of(addr)->flags, 3);
	assert_int_equal(given(0)->options, 0);
	kernel_take_tx(1, RING);
	kernel_complete(1, RING);
	assert_int_equal(uvf_dev__sent(devs[1], sent, RING), 0);
}

static void the_oldest_are_forgotten(void **state)
{
	static struct uvf_sent sent[UVF_SENT_KEPT + RING];
	unsigned int n = 0;

	for (; n < UVF_SENT_KEPT + RING; n += RING / 2) {
		send_asked(RING / 2, n);
		write_times(NOW + n);
		kernel_complete(1, RING);
		uvf_dev__tx(devs[1], NULL, 0);
	}
	assert_int_equal(uvf_dev__sent(devs[1], sent, UVF_SENT_KEPT + RING), UVF_SENT_KEPT);
	assert_int_equal(sent[0].time, NOW + RING);
	assert_int_equal(sent[UVF_SENT_KEPT - 1].time, NOW + n - RING / 2);
	account();
}

static void parts_have_their_own(void **state)
{
	struct uvf *part;

	assert_int_equal(uvf__split(&part, uvf, 16), 0);
	assert_int_equal(part->asked, UVF_ASKED);
	assert_true(part->meta_rx);
	uvf__close(part);
}

/* --- deaths ---------------------------------------------------------------------------------- */

/* Each frame has its number behind what a checksum may change. */
static uint32_t *number_at(uint64_t addr)
{
	return (uint32_t *)(uvf->area + addr + 44);
}

static void receive(unsigned int n)
{
	struct uvf_ring *rx = &devs[0]->source[0].rx;
	uint32_t at = *rx->producer;

	n = kernel_receive(0, n);
	for (unsigned int i = 0; i < n; i++) {
		*number_at(ring_desc(rx, at + i)->addr) = ++number;
		*block_at(ring_desc(rx, at + i)->addr) = written;
	}
}

/* Odd ones are asked for. */
static void forward(void)
{
	struct uvf_frame frames[8];
	unsigned int n = uvf_dev__rx(devs[0], frames, 8), sent = 0;

	for (unsigned int i = 0; i < n; i++) {
		struct uvf_ask ask = ask_both;

		ask.cookie = *number_at(frames[i].addr);
		if (ask.cookie % 2)
			uvf__ask(uvf, &frames[i], &ask);
	}
	while (sent < n)
		sent += uvf_dev__tx(devs[1], frames + sent, n - sent);
}

static void leave(void)
{
	kernel_take_tx(1, RING);
	for (unsigned int i = 0; i < kernels[1].sendings; i++) {
		const struct xdp_desc *desc = &kernels[1].sending[i];
		uint32_t which = *number_at(desc->addr);

		assert_in_range(which, 1, number);
		left[which]++;
		assert_int_equal(desc->options, which % 2 ? XDP_TX_METADATA : 0);
		if (!(which % 2))
			continue;
		assert_int_equal(front_of(desc->addr)->cookie, which);
		assert_int_equal(front_of(desc->addr)->flags, 3);
	}
	write_times(NOW);
	kernel_complete(1, RING);
}

/* What it held asks for nothing, and of what it had not looked at yet it is known when it came. */
static void take_over(void)
{
	struct uvf_frame frame;
	struct uvf_meta meta;

	session_succeed(true, random() % 2);
	while (devs[0]->agains) {
		assert_int_equal(uvf_dev__rx(devs[0], &frame, 1), 1);
		assert_int_equal(frame.options, 0);
		if (*number_at(frame.addr) % 2 == 0)
			assert_int_equal(uvf__meta(uvf, &frame, &meta), 15);
		left[*number_at(frame.addr)]++;
		uvf__free(uvf, &frame, 1);
	}
}

/* Given away, and noted, but not in the ring yet: the successor puts them there, as they were. */
static void dies_before_the_ring(void **state)
{
	struct uvf_ring *tx = &devs[1]->source[0].tx;
	struct uvf_ask ask = ask_both;
	uint32_t at = *tx->producer;

	for (unsigned int i = 0; i < 3; i++) {
		allocate(60);
		ask.cookie = COOKIE + i;
		if (i != 1)
			assert_int_equal(uvf__ask(uvf, &held[i], &ask), 0);
	}
	give(3);
	front_of(given(0)->addr)->start = 60; /* and this it spoilt when it died */
	*tx->producer = at;
	for (unsigned int i = 0; i < 3; i++)
		*ring_desc(tx, at + i) = (struct xdp_desc){ .options = XDP_PKT_CONTD };
	session_succeed(true, true);
	assert_int_equal(*devs[1]->source[0].tx.producer, at + 3);
	assert_int_equal(given(2)->options, XDP_TX_METADATA);
	assert_int_equal(given(1)->options, 0);
	assert_int_equal(given(0)->options, XDP_TX_METADATA);
	assert_int_equal(front_of(given(2)->addr)->flags, 3);
	assert_int_equal(front_of(given(0)->addr)->flags, 1);
	assert_int_equal(front_of(given(0)->addr)->cookie, COOKIE + 2);
	account();
}

static void whenever_it_dies(void **state)
{
	struct uvf_sent sent[RING];

	for (unsigned int death = 0; death < DEATHS; death++) {
		receive(random() % 24);
		die_somewhere(forward, random() % STEPS);
		take_over();
		leave();
		for (unsigned int i = uvf_dev__sent(devs[1], sent, RING); i--;) {
			assert_true(sent[i].cookie % 2);
			assert_int_equal(sent[i].time, NOW);
		}
		forward();
		forward();
		forward();
		leave();
		account();
	}
	for (uint32_t i = 1; i <= number; i++)
		assert_int_equal(left[i], 1);
}

/* --- who does not fit ------------------------------------------------------------------------ */

static void uvfd_of_another_release(void **state)
{
	meta = UVF_META_RX;
	session_make(FRAMES, 2048);
	meta = 0;
	assert_int_equal(dev_try(0, 0, xsk_make(0)), -EPROTO);
	assert_non_null(strstr(uvf__why(), "of one release"));
}

static void successor_with_others(void **state)
{
	struct uvf_opts opts = { .size = sizeof(opts), .frames = FRAMES, .meta = UVF_META_RX };

	session_begin_anew(&opts);
}

static void no_memory_of_others(void **state)
{
	struct uvf_memory memory = { .fd = -1, .size = 4096 };

	meta = UVF_META_RX;
	session_make(FRAMES, 2048);
	assert_int_equal(uvf__map(uvf, &memory, 1, 1500), -EOPNOTSUPP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		test_with(both, is_told),
		test_with(both, is_not_told_of_another),
		test_with(both, is_not_told_of_what_is_none),
		test_with(none, is_not_told_unasked),
		test_with(both, is_asked_for),
		test_with(both, is_not_asked_for_by_another),
		test_with(both_jumbo, is_not_asked_for_by_another),
		test_with(both, is_refused),
		test_with(both, no_longer_fits),
		test_with(both_jumbo, no_longer_fits),
		test_with(both_jumbo, first_buffer_asks),
		test_with(both_zerocopy, sums_are_made),
		test_with(both_zerocopy, no_time_is_told),
		test_with(both, times_are_told),
		test_with(both, times_are_not_told_again),
		test_with(both_jumbo, times_are_not_told_again),
		test_with(both, the_oldest_are_forgotten),
		test_with(both, parts_have_their_own),
		test_with(both, dies_before_the_ring),
		test_with(both_jumbo, dies_before_the_ring),
		test_with(both, whenever_it_dies),
		test_with(both_jumbo, whenever_it_dies),
		test_with(nothing, uvfd_of_another_release),
		test_with(both, successor_with_others),
		test_with(nothing, no_memory_of_others),
	};

	prepare();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
