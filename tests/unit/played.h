/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * libuvf against a kernel and a uvfd that are played. The AF_XDP socket is a sparse memfd whose
 * rings lie where those of a real one do; the test takes frames out of the fill ring, puts
 * received ones into the rx ring, and completes what was sent. uvfd's answers are written into
 * the connection before the library asks.
 */
#ifndef PLAYED_H
#define PLAYED_H

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "session.h"
#include "why.h"

#define RING	 64 /* entries of each ring */
#define FRAMES	 256
#define DEVS	 2

#define OFFSET_PRODUCER 0
#define OFFSET_CONSUMER 64
#define OFFSET_FLAGS	128
#define OFFSET_ENTRIES	192

/* What the kernel holds of a function's frames, outside of all rings. */
struct kernel {
	struct xdp_desc sending[RING];
	unsigned int sendings;
	uint32_t filled[FRAMES];
	unsigned int filleds;
};

extern struct uvf *uvf;
extern struct uvf_dev *devs[DEVS];
extern struct kernel kernels[DEVS];
extern struct uvf_frame held[FRAMES];
extern unsigned int helds;
extern int uvfd; /* our end of the connection */
extern bool jumbo; /* sessions are made for frames of several buffers */
extern uint32_t meta; /* and with UVF_META_* */
extern bool zerocopy; /* the kernel sends from the UMEM itself */

extern unsigned int kicks, wakes; /* calls into the kernel, to send and to receive */
extern unsigned int checks; /* looks at a function's socket for an error */
extern unsigned int busy; /* so many kicks answer EAGAIN */
extern unsigned int seed; /* of the long runs; SEED=N repeats one */

/* uvfd: answers in advance, and looks at what it was asked. */
void answer(uint16_t type, int status, int fd);
struct uvf_request asked(uint16_t type);
void asked_nothing(void);

/* As `uvf run` hands it down. Returns the library's end, for those who want to spoil it. */
int connection_make(void);
void session_make(uint32_t frames, uint32_t frame_size);
int xsk_make(uint32_t start);
int dev_try(unsigned int i, int lease_status, int fd);
void dev_make(unsigned int i, uint32_t start);
void dev_end(unsigned int i);

/* The kernel: as many frames as there are and as there is room for, up to @n. */
unsigned int most(unsigned int a, unsigned int b);
void kernel_take_fill(unsigned int i, unsigned int n);
unsigned int kernel_receive(unsigned int i, unsigned int n);
unsigned int kernel_take_tx(unsigned int i, unsigned int n);
void kernel_complete(unsigned int i, unsigned int n);

/* Every frame is in exactly one place, and the library knows it. */
void account(void);

/* What an appliance does, with frames that it holds. */
void rx(unsigned int i, unsigned int n);
unsigned int tx(unsigned int i, unsigned int n);
unsigned int alloc(unsigned int n);
void release(unsigned int n);

int session_and_devs(void **state);
int session_alone(void **state);
int nothing(void **state);
int session_end(void **state);

#define test(name)	 cmocka_unit_test_setup_teardown(name, session_and_devs, session_end)
#define test_alone(name) cmocka_unit_test_setup_teardown(name, session_alone, session_end)
#define test_bare(name)	 cmocka_unit_test_setup_teardown(name, nothing, session_end)

/* Before the tests are run. */
void prepare(void);

#endif /* PLAYED_H */
