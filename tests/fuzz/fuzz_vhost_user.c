// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a front-end says: message.c and device.c, with real rings and guest memory behind them. An
 * input is what that memory begins with, and messages, each of a request, its flags and its
 * descriptors, and a payload. Between them the rings run, on a way that gives back what it takes.
 *
 * Whatever was said, answers are messages, no descriptor is left, and nothing outside of guest
 * memory is touched, which the sanitizer sees.
 */
#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shim.h"
#include "why.h"

#define MEMORY (256 << 10)
#define POPS   8
#define PAIRS  2

static struct front front;
static struct front_counters counters;
static struct queue queue;
static int memory = -1, ends[2];

/* --- what is played --------------------------------------------------------------------------- */

static int way_start(struct lane *lane)
{
	return 0;
}

static void way_stop(struct lane *lane)
{
}

/* Reads all that the guest offers, writes to all that it may, and gives it back. */
static int way_run(struct lane *lane)
{
	static struct vring_chain chain;
	static volatile uint8_t sum;
	int n = 0, got;

	while (n < POPS && (got = vring_pop(&lane->ring, &chain)) > 0) {
		for (unsigned int i = 0; i < chain.outs; i++)
			if (chain.part[i].len)
				sum += chain.part[i].at[chain.part[i].len - 1];
		for (unsigned int i = chain.outs; i < chain.outs + chain.ins; i++) {
			if (!chain.part[i].len)
				continue;
			chain.part[i].at[chain.part[i].len - 1] = sum;
			guest_log(&front.guest, chain.part[i].at, chain.part[i].len);
		}
		vring_push(&lane->ring, chain.id, chain.descs, 1);
		n++;
	}
	vring_flush(&lane->ring);
	vring_call(&lane->ring);
	return n < POPS && got < 0 ? got : n;
}

static bool way_rest(struct lane *lane)
{
	return vring_kicks(&lane->ring, true);
}

static void way_wake(struct lane *lane)
{
	vring_kicks(&lane->ring, false);
}

#define WAY(name)                                                                                  \
	const struct datapath name = {                                                             \
		"fuzz", way_start, way_stop, way_run, way_rest, way_wake,                          \
	}
WAY(copy_receive);
WAY(copy_send);
WAY(shim_receive);
WAY(shim_send);

void front_say(const struct front *of, const char *format, ...)
{
}

int function_prepare(struct front *of)
{
	return 0;
}

void function_give_up(struct front *of)
{
}

int function_reopen(struct front *of)
{
	return 0;
}

int shim_track(struct lane *lane)
{
	return 0;
}

void shim_untrack(struct lane *lane)
{
}

int loop_watch_kick(struct lane *lane)
{
	return 0;
}

void loop_forget_kick(struct lane *lane)
{
}

void loop_hurry(struct front *of)
{
}

/* --- what is said ----------------------------------------------------------------------------- */

struct said {
	const uint8_t *at;
	size_t left;
};

static unsigned int byte(struct said *said)
{
	if (!said->left)
		return 0;
	said->left--;
	return *said->at++;
}

/* Memory for what maps it, else an eventfd: the others take any descriptor. */
static int descriptor(uint32_t request)
{
	bool maps = request == VHOST_USER_SET_MEM_TABLE || request == VHOST_USER_ADD_MEM_REG ||
		    request == VHOST_USER_SET_LOG_BASE || request == VHOST_USER_SET_INFLIGHT_FD;

	return maps ? dup(memory) : eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}

static void send_message(const struct message *message, unsigned int fds)
{
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(16 * sizeof(int))];
	} control = { .head = { .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS } };
	struct iovec iov[] = {
		{ (void *)&message->head, sizeof(message->head) },
		{ (void *)message->bytes, sizeof(message->memory) < message->head.size ?
					  sizeof(message->memory) : message->head.size },
	};
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };
	int fd[16];

	for (unsigned int i = 0; i < fds; i++)
		fd[i] = descriptor(message->head.request);
	if (fds) {
		control.head.cmsg_len = CMSG_LEN(fds * sizeof(int));
		memcpy(CMSG_DATA(&control.head), fd, fds * sizeof(int));
		msg.msg_control = &control;
		msg.msg_controllen = CMSG_SPACE(fds * sizeof(int));
	}
	sendmsg(ends[1], &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
	for (unsigned int i = 0; i < fds; i++)
		close(fd[i]);
}

/* The last size is one that no message has. */
static void say(struct said *said)
{
	static struct message message;
	unsigned int fds, room = offsetof(struct message, fds) - offsetof(struct message, bytes);

	memset(&message, 0, sizeof(message));
	message.head.request = byte(said);
	fds = byte(said);
	message.head.flags = MESSAGE_VERSION | (fds & 0x80 ? MESSAGE_NEED_REPLY : 0);
	message.head.size = byte(said) * 2;
	if (message.head.size > room)
		message.head.size = room;
	for (unsigned int i = 0; i < message.head.size && said->left; i++)
		message.bytes[i] = byte(said);
	if (message.head.size == room)
		message.head.size = room + 1;
	send_message(&message, fds & 15);
}

/* Answers are whole, and say that they are. */
static void hear(void)
{
	struct message_input answer = { 0 };

	while (message_receive(ends[1], &answer) > 0) {
		assert(answer.message.head.flags == (MESSAGE_VERSION | MESSAGE_REPLY));
		message_done(&answer);
	}
	message_done(&answer);
}

static int understand(void)
{
	int got;

	while ((got = message_receive(ends[0], &front.input)) > 0) {
		got = device_message(&front, &front.input.message);
		message_done(&front.input);
		if (got < 0)
			break;
	}
	return got;
}

static unsigned int descriptors(void)
{
	unsigned int n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void memory_begin(struct said *said)
{
	static uint8_t *map;
	unsigned int n = byte(said) * 4;

	if (memory < 0) {
		memory = memfd_create("guest", MFD_CLOEXEC);
		if (memory < 0 || ftruncate(memory, MEMORY))
			abort();
		map = mmap(NULL, MEMORY, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
		if (map == MAP_FAILED)
			abort();
	}
	memset(map, 0, MEMORY);
	for (unsigned int i = 0; i < n && said->left; i++)
		map[i] = byte(said);
}

static void begin(struct said *said)
{
	static struct uvf_dev *const some = (struct uvf_dev *)&queue;

	memory_begin(said);
	memset(&front, 0, sizeof(front));
	front.counters = &counters;
	front.dev = some;
	front.lanes = 2 * PAIRS;
	front.info.mtu = 1500;
	for (unsigned int i = 0; i < front.lanes; i++) {
		struct lane *lane = &front.lane[i];

		*lane = (struct lane){ .front = &front, .index = i, .queue = &queue };
		lane->count = &counters.ring[i];
		vring_init(&lane->ring, &front.guest, i);
	}
	device_init(&front);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct said said = { data, size };
	unsigned int before;

	begin(&said);
	before = descriptors();
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends))
		abort();
	front.sock = ends[0];
	while (said.left) {
		say(&said);
		if (understand() < 0)
			break;
		lanes_run(&front);
		lanes_rest(&front);
		lanes_wake(&front);
		hear();
	}
	message_done(&front.input);
	device_reset(&front);
	for (unsigned int i = 0; i < front.lanes; i++)
		vring_destroy(&front.lane[i].ring);
	close(ends[0]);
	close(ends[1]);
	assert(descriptors() == before);
	return 0;
}
