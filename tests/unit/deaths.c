// SPDX-License-Identifier: GPL-2.0-only
/* See deaths.h. */
#include "deaths.h"

#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

static void turn_for_ever(void (*turn)(void))
{
	struct uvf_frame frames[1];

	/* What happens once, in the dynamic linker above all, is not to be stepped through. */
	uvf_dev__rx(devs[0], frames, 0);
	uvf_dev__tx(devs[1], frames, 0);
	ptrace(PTRACE_TRACEME, 0, 0, 0);
	kill(getpid(), SIGSTOP);
	for (;;)
		turn();
}

static void step(pid_t child)
{
	int status;

	assert_int_equal(ptrace(PTRACE_SINGLESTEP, child, 0, 0), 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSTOPPED(status));
}

void die_somewhere(void (*turn)(void), unsigned int steps)
{
	int status;
	pid_t child = fork();

	assert_true(child >= 0);
	if (!child)
		turn_for_ever(turn);
	assert_int_equal(waitpid(child, &status, 0), child);
	while (steps--)
		step(child);
	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
}

void reply(uint16_t type, const char *function, bool resumed, int fd)
{
	struct uvf_reply reply = {
		.version = UVF_PROTO_VERSION,
		.type = type,
		.ring_size = RING,
		.sources = 1,
		.resumed = resumed,
		.memory_size = FRAMES * 2048,
		.frame_size = 2048,
		.jumbo = jumbo,
		.meta = meta << 1, /* UVF_MEMORY_META_* */
	};

	strcpy(reply.function, function);
	assert_int_equal(uvf_proto_answer(uvfd, &reply, fd), 0);
	close(fd);
}

void session_forget(int *memory, int *sockets)
{
	*memory = dup(uvf->memfd);
	for (unsigned int i = 0; i < DEVS; i++)
		sockets[i] = dup(devs[i]->source[0].fd);
	close(uvfd);
	uvf->orphan = true;
	for (unsigned int i = 0; i < DEVS; i++) {
		/* As a process that dies, not as one that gives back: the table stays. */
		source_close(&devs[i]->source[0]);
		free(devs[i]->source);
		free(devs[i]->again);
		free(devs[i]->sent);
		free(devs[i]);
		uvf->devs[i] = NULL;
	}
	uvf__close(uvf);
	helds = 0;
}

void session_begin_anew(const struct uvf_opts *opts)
{
	int memory, sockets[DEVS];

	session_forget(&memory, sockets);
	close(sockets[0]);
	close(sockets[1]);
	connection_make();
	setenv("UVF_RESUME", "1", 1);
	reply(UVF_MSG_RESUME, "", true, memory);
	answer(UVF_MSG_MEMORY, 0, -1);
	assert_int_equal(uvf__open(&uvf, opts), 0);
	asked(UVF_MSG_RESUME);
	asked(UVF_MSG_MEMORY);
	assert_false(uvf->resumed);
}

static void dev_succeed(unsigned int i, bool same_sockets, int sock)
{
	const char *name = i ? "fw1" : "fw0";

	if (!same_sockets) {
		close(sock);
		sock = xsk_make(0);
		kernels[i] = (struct kernel){ 0 };
	}
	reply(UVF_MSG_LEASE, name, same_sockets, sock);
	assert_int_equal(uvf_dev__open(&devs[i], uvf, name), 0);
	asked(UVF_MSG_LEASE);
}

void session_succeed(bool same_sockets, bool last_first)
{
	struct uvf_opts opts = { .size = sizeof(opts), .frames = FRAMES, .jumbo = jumbo,
				 .meta = meta };
	int memory, sockets[DEVS];

	session_forget(&memory, sockets);
	connection_make();
	setenv("UVF_RESUME", "1", 1);
	reply(UVF_MSG_RESUME, "", true, memory);
	assert_int_equal(uvf__open(&uvf, &opts), 0);
	asked(UVF_MSG_RESUME);
	assert_true(uvf->resumed);
	for (unsigned int i = 0; i < DEVS; i++) {
		unsigned int which = last_first ? DEVS - 1 - i : i;

		dev_succeed(which, same_sockets, sockets[which]);
	}
}
