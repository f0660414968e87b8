/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What uvf-vfio has around it, played, so that the process itself can be tried as it is put
 * together:
 *
 *	played_channel.c	the kernel at the other end of the channel, the clock, and sleep
 *	played_memory.c		the guest's memory, behind the channel's window
 *	played_session.c	libuvf: frames, notices; and the link's carrier
 *	played_operator.c	who connects to the control socket
 *	played_nics.c		personalities that were read before
 *
 * The files of userspace/vfio are compiled as they are, with the system calls of PLAYED_CALLS
 * (build.mk) renamed: read() is played_read(). Each part asserts what it knows to be right.
 */
#ifndef PLAYED_VFIO_H
#define PLAYED_VFIO_H

#include "../../userspace/vfio/vfio.h"
#include "front_control.h"

#define PLAYED_QUEUE 64
#define PLAYED_MTU   1500

/* Descriptors that no system call is to see. */
enum { FD_CHANNEL = 1 << 24, FD_LISTENER, FD_SOCKET, FD_FRAMES, FD_CARRIER };

/* What can be made to fail, once, with an errno. */
enum played_failure {
	FAILS_SERVE,
	FAILS_STATE,
	FAILS_IRQ,
	FAILS_PROBE,
	FAILS_MAP,
	FAILS_READ,
	FAILS_WRITE,
	FAILS_WAIT,
	FAILS_OPEN, /* the session, or the function's carrier */
	FAILURES,
};

/* What happens while the process is at work, rather than when it asks what there is. */
enum played_sudden {
	SUDDEN_NOTHING,
	SUDDEN_UNMAP, /* all that is mapped */
	SUDDEN_REMAP, /* it is there again, some of it elsewhere, or not to be written */
	SUDDEN_OPEN, /* a user opens the device */
	SUDDEN_END, /* the channel ends */
	SUDDEN_DEATH, /* the process is killed: what it has left is what there is now */
	SUDDENS,
};

struct played {
	uint64_t now;
	bool over; /* the input is: from now on, nothing comes */
	unsigned int quiet; /* sleeps since */
	uint64_t quiet_since;
	bool term; /* SIGTERM, at the next sleep */
	int fails[FAILURES]; /* an errno */
	enum played_sudden sudden;
	unsigned int sudden_in; /* calls */

	/* the channel */
	bool open; /* a user has the device */
	bool ended, serving;
	struct uvf_vfio_layout layout; /* what the user knows it as */
	struct uvf_vfio_state state;
	uint32_t next_id;
	unsigned int hold; /* steps that are to come before read() says what was asked */
	unsigned int torn; /* bytes of a further request, of which read() has only these */
	unsigned int queued, taken; /* requests; @taken are the process's to answer */
	struct uvf_vfio_request queue[PLAYED_QUEUE], take[PLAYED_QUEUE];
	bool reads, tells_open; /* it has begun to read; what it has last heard of a user */
	bool line, line_lost; /* INTx as it was told; @line_lost: the last time it failed */
	unsigned int rounds; /* of the loop, since it last slept */
	uint64_t probe_lies; /* what the next probe says that there is */
	bool lied;

	/* the session */
	unsigned int frames; /* that wait to be received */
	uint32_t frame_len;
	uint8_t frame_bytes[16];
	unsigned int tx_room, alloc_room; /* UINT_MAX: as many as one likes */
	uint64_t received, sent; /* of this process */
	unsigned int links; /* told, and not yet read */
	bool link[8];

	/* the operator */
	bool connects, leaves; /* @leaves: before he is answered */
	int said; /* bytes of @message, or -1: nothing for too long */
	struct {
		struct front_control_request request;
		uint8_t behind[16];
	} message;
};

extern struct played played;
extern struct front front;

/* Of fuzz_vfio.c: the next step of the input; false: it is over. What a sudden death is. */
bool played_step(void);
void played_dies(void);

/* In each call of the process: what happens meanwhile. */
void played_meanwhile(void);
/* Takes a failure that was asked for: true, with errno. */
bool played_fails(enum played_failure what);

/* --- the channel ------------------------------------------------------------------------------ */

/* The user asks; false: as many wait already. */
bool played_ask(struct uvf_vfio_request request);
/* The process has gone, and another one comes: what was not answered is asked again. */
void played_channel_anew(void);
/* Nothing is asked that was not answered, unless the channel has ended. */
void played_channel_check(void);

/* --- guest memory ----------------------------------------------------------------------------- */

#define RAM_PAGES 256
#define RAM_AT    256 /* the page at which it is, at first; nic-seeds know it */

void played_memory_open(void); /* once */
void played_memory_begin(void); /* all zeroes, all of it mapped */
void played_map(uint64_t page, unsigned int ram, unsigned int count, bool read_only);
void played_unmap(uint64_t page, unsigned int count);
void played_unmap_all(void);
void played_map_all(bool moved);
/* Whatever it writes from now on, it does not. */
void played_memory_dies(void);
/* Bytes of RAM, as the guest sees them. */
uint8_t *played_ram(void);
/* An address that a step means: where something may be, more likely than not. */
uint64_t played_page(unsigned int number);
uint64_t played_mapped(uint64_t at, uint64_t len, bool write);
/* The process has taken note of each page that was taken away under it. */
void played_memory_check(void);
/* Nothing is mapped any more, and SIGBUS is whose it was. */
void played_memory_ended(void);

/* --- the session ------------------------------------------------------------------------------ */

/* Each frame that was taken is held by the process, once. */
void played_session_check(void);
/* When the process has counted: each frame is where its counters say, and so is the link. */
void played_counters_check(void);
void played_session_ended(void);

/* --- the operator, and NICs ------------------------------------------------------------------- */

void played_operator_check(void);
/* Each NIC that was made was closed. */
void played_nics_check(void);
/*
 * Bytes of the heap, but for those that scripts have: what an input began with it ends with. False:
 * a description was read meanwhile, or dropped.
 */
bool played_heap(size_t *bytes);

#endif /* PLAYED_VFIO_H */
