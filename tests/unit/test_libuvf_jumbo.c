// SPDX-License-Identifier: GPL-2.0-only
/*
 * Frames of several buffers: whole ones come, whole ones go, and of one that a dead predecessor had
 * in its hands, in a ring, or half given away, there is all again, or all was sent, once.
 */
#include "deaths.h"

#define DEATHS 40
#define STEPS 8000 /* with the sanitizers, forwarding what lies in a ring takes fewer */
#define SEND_STEPS 1500 /* and sending some frames, those */
#define LENGTH 1792 /* of a buffer that is full */

/* What each buffer begins with. */
struct mark {
	uint32_t number; /* of the frame, from 1 on; 0: seen */
	uint16_t index, count;
};

static uint32_t received;
static uint8_t seen[DEATHS * RING * 4];

static struct mark *mark_at(uint64_t addr)
{
	return (struct mark *)(uvf->area + addr);
}

static int jumbo_devs(void **state)
{
	jumbo = true;
	received = 0;
	memset(seen, 0, sizeof(seen));
	srandom(seed);
	session_make(FRAMES, 2048);
	dev_make(0, UINT32_MAX - 40);
	dev_make(1, UINT32_MAX - 20);
	return 0;
}

static int jumbo_end(void **state)
{
	jumbo = false;
	return session_end(state);
}

#define test_jumbo(name) cmocka_unit_test_setup_teardown(name, jumbo_devs, jumbo_end)

/* --- the kernel ------------------------------------------------------------------------------ */

static struct uvf_ring *rx_ring(unsigned int i)
{
	return &devs[i]->source[0].rx;
}

static struct uvf_ring *tx_ring(unsigned int i)
{
	return &devs[i]->source[0].tx;
}

/* One frame of @count buffers, where there are so many and there is room. */
static bool receive(unsigned int i, unsigned int count)
{
	struct uvf_ring *rx = rx_ring(i);
	struct kernel *kernel = &kernels[i];
	uint32_t at = *rx->producer;

	kernel_take_fill(i, RING);
	if (kernel->filleds < count || RING - (at - *rx->consumer) < count)
		return false;
	received++;
	for (unsigned int j = 0; j < count; j++) {
		uint64_t addr = kernel->filled[--kernel->filleds] * 2048 + HEADROOM;

		*mark_at(addr) = (struct mark){ received, j, count };
		*ring_desc(rx, at + j) = (struct xdp_desc){
			.addr = addr,
			.len = j + 1 < count ? LENGTH : 60,
			.options = j + 1 < count ? XDP_PKT_CONTD : 0,
		};
	}
	ring_publish(rx->producer, at + count);
	return true;
}

static unsigned int some(void)
{
	return random() % 4 ? 1 + random() % 6 : 1 + random() % UVF_BUFFERS;
}

static void receive_some(unsigned int n)
{
	while (n-- && receive(0, some()))
		;
}

/* --- what is seen ---------------------------------------------------------------------------- */

/* Of @n buffers that there are at an appliance or in a ring: all frames are whole. */
static void are_whole(const struct uvf_frame *frames, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		const struct mark *mark = mark_at(frames[i].addr);
		const struct mark *next = i + 1 < n ? mark_at(frames[i + 1].addr) : NULL;
		bool more = mark->index + 1 < mark->count;

		assert_in_range(mark->number, 1, received);
		assert_int_equal(frames[i].options, more ? UVF_MORE : 0);
		assert_int_equal(frames[i].len, more ? LENGTH : 60);
		assert_true(i || !mark->index);
		assert_true(!more || (next && next->number == mark->number &&
				      next->index == mark->index + 1));
		assert_true(more || !next || !next->index);
	}
}

static void see(const struct uvf_frame *frames, unsigned int n)
{
	are_whole(frames, n);
	for (unsigned int i = 0; i < n; i++) {
		struct mark *mark = mark_at(frames[i].addr);

		seen[mark->number] += !mark->index;
		mark->number = 0;
	}
}

static void take(unsigned int i, unsigned int n)
{
	unsigned int got = uvf_dev__rx(devs[i], held + helds, n);

	are_whole(held + helds, got);
	helds += got;
}

/* --- receiving ------------------------------------------------------------------------------- */

static void frames_come_whole(void **state)
{
	struct uvf_account at;

	assert_true(receive(0, 3));
	assert_true(receive(0, 1));
	assert_true(receive(0, UVF_BUFFERS));
	take(0, UVF_BUFFERS);
	assert_int_equal(helds, 4);
	take(0, UVF_BUFFERS);
	assert_int_equal(helds, 4 + UVF_BUFFERS);
	take(0, UVF_BUFFERS);
	assert_int_equal(helds, 4 + UVF_BUFFERS);
	assert_int_equal(devs[0]->stats.rx_frames, 3);
	assert_int_equal(devs[0]->stats.rx_bytes, 18 * LENGTH + 3 * 60);
	assert_int_equal(uvf_frame__buffers(held, helds), 3);
	assert_int_equal(uvf_frame__buffers(held, 2), 0);
	assert_int_equal(uvf_dev__info(devs[0])->frame_max, UVF_BUFFERS * LENGTH);
	account();
	release(helds);
	uvf__account(uvf, &at);
	assert_int_equal(at.held, 0);
}

/* More buffers than any frame has, or than the caller takes: dropped, and what follows comes. */
static void too_long_is_dropped(void **state)
{
	struct uvf_dev_stats stats;

	assert_true(receive(0, UVF_BUFFERS + 1));
	assert_true(receive(0, 2));
	take(0, RING);
	assert_int_equal(helds, 2);
	assert_true(receive(0, 3));
	assert_true(receive(0, 1));
	take(0, 2);
	assert_int_equal(helds, 3);
	assert_int_equal(uvf_dev__stats(devs[0], &stats), 0);
	assert_int_equal(stats.rx_dropped, 2 + 41); /* the kernel is played to drop those */
	assert_int_equal(stats.rx_frames, 2);
	account();
}

/* The kernel writes no half frame; who shares the ring may have. */
static void half_a_frame_stays(void **state)
{
	struct uvf_ring *rx = rx_ring(0);

	assert_true(receive(0, 2));
	*rx->producer -= 1;
	assert_int_equal(uvf_dev__rx(devs[0], held, RING), 0);
	*rx->producer += 1;
	take(0, RING);
	assert_int_equal(helds, 2);
}

/* --- sending --------------------------------------------------------------------------------- */

static void frames_go_whole(void **state)
{
	const struct uvf_ring *tx = tx_ring(1);
	uint32_t at = *tx->producer;

	assert_true(receive(0, 3));
	assert_true(receive(0, 5));
	take(0, RING);
	assert_int_equal(uvf_dev__tx(devs[1], held, 2), 0); /* half of the first one */
	assert_int_equal(uvf_dev__tx(devs[1], held, 7), 3); /* the second one lacks its end */
	for (unsigned int i = 0; i < 3; i++)
		assert_memory_equal(ring_desc(tx, at + i), &held[i], sizeof(*held));
	assert_int_equal(uvf_dev__tx(devs[1], held + 3, 5), 5);
	assert_int_equal(devs[1]->stats.tx_frames, 2);
	assert_int_equal(devs[1]->stats.tx_full, 0);
	helds = 0;
	account();
	kernel_take_tx(1, RING);
	kernel_complete(1, RING);
	uvf_dev__tx(devs[1], held, 0);
	account();
}

static void more_than_a_frame_has(void **state)
{
	assert_int_equal(alloc(UVF_BUFFERS + 1), UVF_BUFFERS + 1);
	for (unsigned int i = 0; i < UVF_BUFFERS; i++)
		held[i].options = UVF_MORE;
	assert_int_equal(uvf_dev__tx(devs[1], held, UVF_BUFFERS + 1), 0);
	held[0].options = 0;
	assert_int_equal(uvf_dev__tx(devs[1], held, UVF_BUFFERS + 1), UVF_BUFFERS + 1);
	helds = 0;
	account();
}

/* No frame is taken in part for want of room, and waiting is for as much as the next one takes. */
static void no_room_for_all_of_it(void **state)
{
	const struct uvf_ring *tx = tx_ring(1);

	assert_int_equal(alloc(RING - 2), RING - 2);
	assert_int_equal(uvf_dev__tx(devs[1], held, helds), RING - 2);
	helds = 0;
	assert_true(receive(0, 4));
	assert_true(receive(0, 1));
	take(0, RING);
	assert_int_equal(uvf_dev__tx(devs[1], held, helds), 0);
	assert_int_equal(devs[1]->stats.tx_full, 2);
	assert_false(dev_ready(devs[1]));
	kernel_take_tx(1, 1);
	assert_int_equal(tx->size - ring_room(tx), RING - 3);
	assert_false(dev_ready(devs[1]));
	kernel_take_tx(1, 1);
	assert_true(dev_ready(devs[1]));
	assert_int_equal(uvf_dev__tx(devs[1], held, helds), 4);
	memmove(held, held + 4, sizeof(*held));
	helds = 1;
	account();
}

/* --- deaths ---------------------------------------------------------------------------------- */

static void forward(void)
{
	struct uvf_frame frames[2 * UVF_BUFFERS];
	unsigned int n, sent = 0;

	n = uvf_dev__rx(devs[0], frames, UVF_BUFFERS + random() % UVF_BUFFERS);
	while (sent < n)
		sent += uvf_dev__tx(devs[1], frames + sent, n - sent);
	n = uvf__alloc(uvf, frames, random() % 8);
	uvf__free(uvf, frames, n);
}

/* Whether it died with the last buffers of a frame noted as given away, and not the first. */
static bool died_within_a_frame(void)
{
	const struct uvf_source *source = &devs[1]->source[0];
	uint32_t producer = *source->tx.producer, least = RING;
	unsigned int n = 0;

	for (unsigned int i = 0; i < FRAMES; i++) {
		const struct uvf_place *place = &uvf->place[i];

		if (place->state != PLACE_SENDING || place->source != source->number ||
		    place->order - producer >= RING)
			continue;
		n++;
		least = most(least, place->order - producer);
	}
	return n && least;
}

static void succeed(bool same_sockets)
{
	session_succeed(same_sockets, random() % 2);
	for (unsigned int i = 0; i < DEVS; i++)
		while (devs[i]->agains)
			take(i, UVF_BUFFERS + random() % UVF_BUFFERS);
}

static void leave(void)
{
	struct uvf_ring *tx = tx_ring(1);
	struct uvf_frame sent[RING];
	unsigned int n = 0;

	for (uint32_t at = *tx->consumer; at != *tx->producer; at++) {
		const struct xdp_desc *desc = ring_desc(tx, at);

		sent[n++] = (struct uvf_frame){ desc->addr, desc->len, desc->options };
	}
	see(sent, n);
	kernel_take_tx(1, RING);
	kernel_complete(1, RING);
}

/* What was sent leaves; what waits, or was held, is received; nothing of it twice. */
static void drain(void)
{
	see(held, helds);
	release(helds);
	leave();
	take(0, FRAMES);
	see(held, helds);
	release(helds);
	kernel_take_tx(1, RING);
	kernel_complete(1, RING);
}

static void each_once(void)
{
	account();
	drain();
	account();
	for (uint32_t i = 1; i <= received; i++)
		assert_int_equal(seen[i], 1);
	assert_in_range(received, 0, sizeof(seen) - RING);
}

static void whenever_it_dies(void **state)
{
	unsigned int again = 0;

	for (unsigned int death = 0; death < DEATHS; death++) {
		receive_some(random() % 16);
		die_somewhere(forward, random() % STEPS);
		succeed(true);
		again += helds;
		each_once();
	}
	assert_in_range(again, DEATHS / 4, UINT32_MAX);
}

static void send_once(void)
{
	if (helds)
		uvf_dev__tx(devs[1], held, helds);
	helds = 0;
}

/* Some frames are given away; the last one of them that was begun is held still. */
static void while_it_sends(void **state)
{
	unsigned int within = 0;

	for (unsigned int death = 0; death < 2 * DEATHS; death++) {
		receive_some(1 + random() % 3);
		take(0, RING);
		die_somewhere(send_once, random() % SEND_STEPS);
		within += died_within_a_frame();
		succeed(true);
		each_once();
	}
	assert_in_range(within, DEATHS / 4, UINT32_MAX);
}

static void free_some(void)
{
	struct uvf_frame frames[2 * UVF_BUFFERS];

	uvf__free(uvf, frames, uvf_dev__rx(devs[0], frames, 2 * UVF_BUFFERS));
}

/* What it had begun to free is not had again; and never half of it. */
static void while_it_frees(void **state)
{
	for (unsigned int death = 0; death < DEATHS / 4; death++) {
		receive_some(random() % 16);
		die_somewhere(free_some, random() % STEPS);
		succeed(true);
		account();
		drain();
		account();
		for (uint32_t i = 1; i <= received; i++)
			assert_in_range(seen[i], 0, 1);
	}
}

/* It held one of two buffers, and had sent the other, alone. */
static void what_is_no_frame_any_more(void **state)
{
	struct uvf_frame first;

	assert_true(receive(0, 2));
	assert_true(receive(0, 1));
	take(0, RING);
	first = held[0];
	first.options = 0;
	assert_int_equal(uvf_dev__tx(devs[1], &first, 1), 1);
	succeed(true);
	assert_int_equal(helds, 1);
	assert_int_equal(mark_at(held[0].addr)->number, 2);
	account();
}

/* The other function's sockets are new: what was half given away to it is gone, all of it. */
static void given_away_to_a_lost_socket(void **state)
{
	struct uvf_place *tail;

	assert_true(receive(0, 3));
	take(0, RING);
	tail = frame_place(uvf, held[2].addr);
	tail->source = devs[1]->source[0].number;
	tail->order = *tx_ring(1)->producer + 2;
	tail->state = PLACE_SENDING;
	succeed(false);
	assert_int_equal(helds, 0);
	account();
}

static void other_sockets(void **state)
{
	for (unsigned int i = 0; i < 50; i++) {
		unsigned int before;

		receive_some(random() % 16);
		take(0, UVF_BUFFERS + random() % RING);
		before = helds;
		succeed(false);
		assert_int_equal(helds, before);
		account();
		release(helds);
	}
}

/* Nothing can be trusted, but what comes is whole, and lies within the memory. */
static void damaged_tables(void **state)
{
	for (unsigned int i = 0; i < 200; i++) {
		uint8_t *places = (uint8_t *)uvf->place;

		receive_some(random() % 16);
		take(0, UVF_BUFFERS + random() % UVF_BUFFERS);
		helds -= uvf_dev__tx(devs[1], held, helds);
		for (unsigned int j = random() % 64; j; j--)
			places[random() % (FRAMES * sizeof(struct uvf_place))] = random();
		session_succeed(true, random() % 2);
		for (unsigned int j = 0; j < DEVS; j++)
			while (devs[j]->agains)
				helds += uvf_dev__rx(devs[j], held + helds, UVF_BUFFERS);
		for (unsigned int j = 0; j < helds; j++)
			assert_in_range(held[j].addr + held[j].len, 0, FRAMES * 2048);
		assert_true(!helds || !(held[helds - 1].options & UVF_MORE));
		assert_in_range(uvf->free_count, 0, FRAMES);
		jumbo_end(state);
		jumbo_devs(state);
		srandom(seed + i);
	}
}

/* --- who has them and who has not ------------------------------------------------------------ */

static int try_open(uint32_t wish)
{
	struct uvf_opts opts = { .size = sizeof(opts), .frames = FRAMES, .jumbo = wish };
	int err;

	connection_make();
	answer(UVF_MSG_MEMORY, 0, -1);
	err = uvf__open(&uvf, &opts);
	if (err)
		close(strtol(getenv("UVF_FD") ?: "-1", NULL, 10));
	return err;
}

static void who_asks_for_them(void **state)
{
	assert_int_equal(try_open(UVF_JUMBO_IF_SET), 0);
	assert_int_equal(asked(UVF_MSG_MEMORY).memory.flags, 0);
	session_end(state);
	setenv("UVF_JUMBO", "1", 1);
	assert_int_equal(try_open(UVF_JUMBO_IF_SET), 0);
	assert_int_equal(asked(UVF_MSG_MEMORY).memory.flags, UVF_MEMORY_JUMBO);
	session_end(state);
	assert_int_equal(try_open(UVF_JUMBO_NEVER), -EOPNOTSUPP);
	assert_non_null(strstr(uvf__why(), "takes no frames of several buffers"));
	session_end(state);
	setenv("UVF_JUMBO", "yes", 1);
	assert_int_equal(try_open(UVF_JUMBO_ALWAYS), -EINVAL);
	unsetenv("UVF_JUMBO");
}

static void uvfd_that_never_heard_of_them(void **state)
{
	dev_end(1);
	jumbo = false;
	answer(UVF_MSG_RELEASE, 0, -1); /* behind that of the lease */
	assert_int_equal(dev_try(1, 0, xsk_make(0)), -EPROTO);
	assert_non_null(strstr(uvf__why(), "of one release"));
}

static void memory_of_others(void **state)
{
	struct uvf_memory memory = { .fd = uvf->memfd, .size = 4096 };

	dev_end(0);
	dev_end(1);
	assert_int_equal(uvf__map(uvf, &memory, 1, 1518), -EOPNOTSUPP);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		test_jumbo(frames_come_whole),
		test_jumbo(too_long_is_dropped),
		test_jumbo(half_a_frame_stays),
		test_jumbo(frames_go_whole),
		test_jumbo(more_than_a_frame_has),
		test_jumbo(no_room_for_all_of_it),
		test_jumbo(what_is_no_frame_any_more),
		test_jumbo(given_away_to_a_lost_socket),
		test_jumbo(other_sockets),
		test_jumbo(damaged_tables),
		test_jumbo(while_it_frees),
		test_jumbo(while_it_sends),
		test_jumbo(whenever_it_dies),
		test_bare(who_asks_for_them),
		test_jumbo(uvfd_that_never_heard_of_them),
		test_jumbo(memory_of_others),
	};

	prepare();
	return cmocka_run_group_tests_name("libuvf: frames of several buffers", tests, NULL, NULL);
}
