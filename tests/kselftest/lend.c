// SPDX-License-Identifier: GPL-2.0-only
/*
 * lend FUNCTION [max=1518]: an appliance whose frames lie in the memory of somebody else
 *
 * The memory is two memfds that it makes and maps, as a guest's would be. In them lie buffers of 12
 * bytes and `max`, back to back at odd addresses, over page borders too. What is received must lie
 * right behind the 12 bytes, and nothing else may have been written to. It is sent back from there,
 * with the addresses exchanged; the buffer is lent again when it was sent. Every fourth place is a
 * frame of the session's own. Prints, when killed by SIGTERM, how many came, how many went, and how
 * many bytes were written where none should be.
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <uvf/libuvf.h>

#define FILES 2
#define SIZE (3 << 20) /* of a file: not a whole number of huge pages */
#define BUFFERS 256 /* in each file */
#define HEADER 12
#define BURST 64
#define PATTERN 0xa5

static struct uvf *uvf;
static struct uvf_dev *dev;
static struct uvf_memory memory[FILES];
static uint8_t *map[FILES];
static unsigned int max = 1518;
static volatile sig_atomic_t stop;
static unsigned long received, sent, overrun;

static void on_signal(int number)
{
	stop = 1;
}

static void die(const char *what)
{
	fprintf(stderr, "lend: %s: %s\n", what, uvf__why());
	exit(1);
}

static uint8_t *at(uint64_t addr)
{
	for (unsigned int i = 0; i < FILES; i++)
		if (addr - memory[i].at < memory[i].size)
			return map[i] + (addr - memory[i].at);
	return uvf__data(uvf, &(struct uvf_frame){ .addr = addr });
}

static bool is_own(uint64_t addr)
{
	return addr < memory[0].at;
}

/* How many bytes behind the frame, and in front of it, are no longer what they were. */
static void look(uint64_t addr, uint32_t len)
{
	const uint8_t *data = at(addr);

	if (is_own(addr))
		return;
	for (int i = -HEADER; i < 0; i++)
		overrun += data[i] != PATTERN;
	for (uint32_t i = len; i < max; i++)
		overrun += data[i] != PATTERN;
}

static void lend(uint64_t addr)
{
	if (!is_own(addr))
		memset(at(addr), PATTERN, max);
	if (uvf_dev__lend(dev, &addr, 1) != 1)
		die("no room to lend");
}

static void lend_own(void)
{
	struct uvf_frame frame;

	if (uvf__alloc(uvf, &frame, 1) == 1)
		lend(frame.addr);
}

static void lend_all(void)
{
	for (unsigned int i = 0; i < FILES * BUFFERS; i++) {
		uint64_t first = i < BUFFERS ? 0 : SIZE - BUFFERS * (HEADER + max);
		uint64_t addr = first + i % BUFFERS * (HEADER + max) + HEADER;

		lend(memory[i / BUFFERS].at + addr);
		if (i % 4 == 3)
			lend_own();
	}
}

static void back(void)
{
	struct uvf_frame frames[BURST];
	unsigned int n = uvf_dev__peek(dev, frames, BURST);

	for (unsigned int i = 0; i < n; i++) {
		uint8_t *data = at(frames[i].addr), mac[6];

		look(frames[i].addr, frames[i].len);
		memcpy(mac, data, 6);
		memcpy(data, data + 6, 6);
		memcpy(data + 6, mac, 6);
	}
	uvf_dev__take(dev, n);
	received += n;
	if (n && uvf_dev__tx(dev, frames, n) != n)
		die("no room to send");
}

static void reuse(void)
{
	uint64_t addrs[BURST];
	unsigned int n = uvf_dev__done(dev, addrs, BURST);

	uvf_dev__take_done(dev, n);
	sent += n;
	for (unsigned int i = 0; i < n; i++) {
		if (is_own(addrs[i]))
			lend_own(); /* it is free: taken again */
		else
			lend(addrs[i]);
	}
}

static void memory_make(unsigned int i)
{
	memory[i] = (struct uvf_memory){ .fd = memfd_create("guest", 0), .size = SIZE };
	if (ftruncate(memory[i].fd, SIZE))
		die("memfd");
	map[i] = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, memory[i].fd, 0);
	if (map[i] == MAP_FAILED)
		die("mmap");
	memset(map[i], PATTERN, SIZE);
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = on_signal };
	struct uvf_account account;

	if (argc > 2)
		sscanf(argv[2], "max=%u", &max);
	sigaction(SIGTERM, &action, NULL);
	for (unsigned int i = 0; i < FILES; i++)
		memory_make(i);
	if (uvf__open(&uvf, NULL) || uvf__map(uvf, memory, FILES, max) ||
	    uvf_dev__open(&dev, uvf, argv[1]))
		die("can't begin");
	lend_all();
	printf("ready\n");
	fflush(stdout);
	while (!stop) {
		uvf__wait(uvf, 20);
		back();
		reuse();
	}
	uvf__account(uvf, &account);
	printf("{\"received\":%lu,\"sent\":%lu,\"overrun\":%lu,\"frames\":%u}\n", received, sent,
	       overrun, account.free + account.held + account.filling + account.sending);
	uvf__close(uvf);
	return 0;
}
