// SPDX-License-Identifier: GPL-2.0-only
/*
 * A successor of libuvf. An appliance, in a process of its own, is stepped through some thousand
 * instructions and killed there; another session then opens what it left. Wherever that was: each
 * frame is in exactly one place, and each that was received is still to be had, or was sent, once.
 */
#include "deaths.h"

#define DEATHS 100
#define STEPS 5000 /* with the sanitizers, forwarding sixteen frames and refilling takes fewer */

/* The number of a frame that was received, in its first bytes; 0: none. */
static uint32_t *number_at(uint64_t addr)
{
	return (uint32_t *)(uvf->area + addr);
}

static uint32_t received;

/* Frames with numbers, in the first function's ring. */
static void receive(unsigned int n)
{
	struct uvf_ring *ring = &devs[0]->source[0].rx;
	uint32_t at = *ring->producer;

	n = kernel_receive(0, n);
	for (unsigned int i = 0; i < n; i++)
		*number_at(ring_desc(ring, at + i)->addr) = ++received;
}

/* --- one that dies, and its successor --------------------------------------------------------- */

static void forward(void)
{
	struct uvf_frame frames[16];
	unsigned int n = uvf_dev__rx(devs[0], frames, 1 + random() % 16), sent = 0;

	while (sent < n)
		sent += uvf_dev__tx(devs[1], frames + sent, n - sent);
	n = uvf__alloc(uvf, frames, random() % 8);
	uvf__free(uvf, frames, n);
}

static void succeed(bool same_sockets)
{
	session_succeed(same_sockets, false);
	/* What the dead held comes first, and alone. */
	for (unsigned int i = 0; i < DEVS; i++)
		while (devs[i]->agains)
			helds += uvf_dev__rx(devs[i], held + helds, 1 + random() % 16);
}

static unsigned int seen[DEATHS * RING * 2];

static void see(uint64_t addr)
{
	uint32_t *number = number_at(addr);

	assert_in_range(*number, 1, received);
	seen[*number]++;
	*number = 0;
}

/* What was sent leaves; what waits, or was held, is received; nothing of it twice. */
static void drain(void)
{
	struct uvf_ring *tx = &devs[1]->source[0].tx;

	for (unsigned int i = 0; i < helds; i++)
		see(held[i].addr);
	release(helds);
	for (uint32_t at = *tx->consumer; at != *tx->producer; at++)
		see(ring_desc(tx, at)->addr);
	rx(0, RING);
	for (unsigned int i = 0; i < helds; i++)
		see(held[i].addr);
	release(helds);
	kernel_take_tx(1, RING);
	kernel_complete(1, RING);
}

static void whenever_it_dies(void **state)
{
	unsigned int again = 0;

	srandom(seed);
	received = 0;
	memset(seen, 0, sizeof(seen));
	session_make(FRAMES, 2048);
	for (unsigned int i = 0; i < DEVS; i++)
		dev_make(i, -(random() % 4096));
	for (unsigned int death = 0; death < DEATHS; death++) {
		receive(random() % RING);
		kernel_complete(1, random() % RING);
		die_somewhere(forward, random() % STEPS);
		succeed(true);
		again += helds;
		account();
		drain();
		account();
		for (uint32_t i = 1; i <= received; i++)
			assert_int_equal(seen[i], 1);
	}
	assert_in_range(again, DEATHS / 20, UINT32_MAX); /* some died with frames in their hands */
}

/* The function was deleted meanwhile, or uvfd restarted without its keeper: rings are new. */
static void other_sockets(void **state)
{
	for (unsigned int i = 0; i < 50; i++) {
		unsigned int before;

		receive(random() % RING);
		rx(0, random() % RING);
		tx(1, random() % RING);
		before = helds;
		succeed(false);
		assert_int_equal(helds, before);
		account();
		release(helds);
	}
}

/* --- what a hostile or broken predecessor leaves --------------------------------------------- */

static void damaged_tables(void **state)
{
	srandom(seed);
	for (unsigned int i = 0; i < 300; i++) {
		uint8_t *places = (uint8_t *)uvf->place;

		receive(random() % RING);
		rx(0, random() % RING);
		tx(1, random() % RING);
		for (unsigned int j = random() % 64; j; j--)
			places[random() % (FRAMES * sizeof(struct uvf_place))] = random();
		succeed(true);
		/* Nothing can be trusted, but nothing outside of the memory may be touched. */
		assert_in_range(uvf->free_count, 0, FRAMES);
		for (unsigned int j = 0; j < helds; j++)
			assert_in_range(held[j].addr + held[j].len, 0, FRAMES * 2048);
		session_end(state);
		session_and_devs(state);
	}
}

/* An index that no ring can have: the sockets are given back, and others are leased. */
static void damaged_rings(void **state)
{
	struct uvf_opts opts = { .size = sizeof(opts), .frames = FRAMES };
	int memory, sockets[DEVS];

	receive(20);
	rx(0, 10);
	*devs[0]->source[0].done.producer += RING + 1;
	session_forget(&memory, sockets);
	connection_make();
	setenv("UVF_RESUME", "1", 1);
	reply(UVF_MSG_RESUME, "", true, memory);
	assert_int_equal(uvf__open(&uvf, &opts), 0);
	asked(UVF_MSG_RESUME);
	reply(UVF_MSG_LEASE, "fw0", true, sockets[0]);
	answer(UVF_MSG_RELEASE, 0, -1);
	reply(UVF_MSG_LEASE, "fw0", false, xsk_make(0));
	assert_int_equal(uvf_dev__open(&devs[0], uvf, "fw0"), 0);
	asked(UVF_MSG_LEASE);
	asked(UVF_MSG_RELEASE);
	asked(UVF_MSG_LEASE);
	assert_int_equal(devs[0]->agains, 0);
	kernels[0] = (struct kernel){ 0 };
	devs[1] = NULL;
	reply(UVF_MSG_LEASE, "fw1", true, sockets[1]);
	assert_int_equal(uvf_dev__open(&devs[1], uvf, "fw1"), 0);
	asked(UVF_MSG_LEASE);
	account();
}

static void memory_that_does_not_fit(void **state)
{
	struct uvf_opts opts = { .size = sizeof(opts), .frames = 2 * FRAMES };

	session_begin_anew(&opts);
	assert_int_equal(uvf->free_count, 2 * FRAMES);
	memset(devs, 0, sizeof(devs));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		test(memory_that_does_not_fit),
		test(other_sockets),
		test(damaged_tables),
		test(damaged_rings),
		test_bare(whenever_it_dies),
	};

	prepare();
	return cmocka_run_group_tests_name("libuvf: a successor", tests, NULL, NULL);
}
