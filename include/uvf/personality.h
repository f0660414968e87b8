/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Personalities in C: what a shared object has to export so that uvf's generic NIC is something
 * particular to a guest. uvf-personality(5) tells of those in XML and Lua.
 *
 *	static const char xml[] = "<personality name='mine' version='1'>…</personality>";
 *
 *	UVF_PERSONALITY = {
 *		.version = UVF_PERSONALITY_VERSION,
 *		.size = sizeof(struct uvf_personality),
 *		.name = "mine",
 *		.xml = xml,
 *		.start = start,
 *		.stop = stop,
 *		.access = access,
 *	};
 *
 *	cc -shared -fPIC -o mine.so mine.c
 *
 * All of the description that the generic NIC understands stays in the XML: config space, BARs,
 * spaces, registers, interrupts, rings, filters. The object takes over what it likes of it: what a
 * function is given for is the object's, what it is NULL for is the generic NIC's.
 *
 * One thread calls, one call at a time. A NIC's calls come between start() and stop(). Nothing may
 * block. Several NICs may be of one personality: whatever is theirs hangs on start()'s return.
 *
 * The object runs with all rights of the process that loads it. What it reads in guest memory and
 * in arguments of access() is a guest's, and hostile until checked.
 */
#ifndef UVF_PERSONALITY_H
#define UVF_PERSONALITY_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Objects of another version are refused. It changes when something here changes its meaning. */
#define UVF_PERSONALITY_VERSION 1

struct uvf_nic; /* the generic NIC */

/* What the generic NIC does for the object. @nic is that of start(). */
struct uvf_nic_ops {
	uint32_t size; /* of this struct: later ones have more at their end */

	/*
	 * Guest memory at a DMA address; in *@row how many of the @len bytes (1 at least) lie there
	 * in a row. NULL: it is nowhere, or not to be written when @write. Valid until the call
	 * that it was asked in returns.
	 */
	void *(*dma)(struct uvf_nic *nic, uint64_t at, uint64_t len, int write, uint64_t *row);
	/*
	 * The @i-th range of guest memory, counted from 0; 0: there is no such range, or the
	 * carrier keeps no table. Valid until memory() is called.
	 */
	int (*range)(struct uvf_nic *nic, unsigned int i, uint64_t *at, uint64_t *size,
		     void **pointer);

	/* Room for a frame of *@size bytes; NULL: none now, poll() is called when there may be. */
	uint8_t *(*room)(struct uvf_nic *nic, uint32_t *size);
	/* Sends the first @len bytes of it; 0: none. The room is given back in any case. */
	void (*send)(struct uvf_nic *nic, uint8_t *room, uint32_t len);
	/* A frame was put into guest memory: counters. */
	void (*received)(struct uvf_nic *nic, const uint8_t *frame, uint32_t len);

	/* A vector of MSI-X or MSI; nothing while neither is enabled. */
	void (*fire)(struct uvf_nic *nic, unsigned int vector);
	/* The line of INTx; nothing while one of them is. */
	void (*line)(struct uvf_nic *nic, int asserted);
	int (*has_msix)(struct uvf_nic *nic); /* it is enabled */

	/* A register of the XML, by its number, or -1; elements are counted from 0. */
	int (*find)(struct uvf_nic *nic, const char *name);
	uint64_t (*get)(struct uvf_nic *nic, int reg, unsigned int index);
	void (*set)(struct uvf_nic *nic, int reg, unsigned int index, uint64_t value);

	/* An access to BAR @bar, as the guest makes it. Not from access() of the same BAR. */
	void (*bar)(struct uvf_nic *nic, unsigned int bar, uint64_t offset, unsigned int width,
		    int write, uint64_t *value);
	uint8_t *(*config)(struct uvf_nic *nic); /* 256 bytes */

	const uint8_t *(*mac)(struct uvf_nic *nic); /* 6 bytes */
	int (*link)(struct uvf_nic *nic); /* it is up */
	uint64_t (*now)(struct uvf_nic *nic); /* nanoseconds, monotonic */
	/* poll() is called soon, even when the guest does nothing. */
	void (*again)(struct uvf_nic *nic);
	/* One sentence for the log. */
	void (*say)(struct uvf_nic *nic, const char *sentence);
	/* One more address that is nowhere, or ring that makes no sense: counters. */
	void (*fault)(struct uvf_nic *nic, int ring);
};

/* What receive() returns. */
#define UVF_NIC_TAKEN 0
#define UVF_NIC_DROPPED 1 /* it is none of the guest's */
#define UVF_NIC_FULL 2 /* no buffers, and nothing has happened: it comes again */
#define UVF_NIC_OFF 3 /* the guest does not receive */

struct uvf_personality {
	uint32_t version; /* UVF_PERSONALITY_VERSION */
	uint32_t size; /* sizeof(struct uvf_personality) */
	const char *name;
	/* The description. NULL: an XML file names this object, and is the description. */
	const char *xml;

	/* A state for this NIC, or NULL: then the personality is refused. */
	void *(*start)(struct uvf_nic *nic, const struct uvf_nic_ops *ops);
	void (*stop)(void *state);

	/* --- the rest may be NULL --- */

	void (*reset)(void *state); /* power-on, and by a register of the XML */
	/*
	 * An access to the XML's @space-th space, counted from 0, within its size. Not 0: it was
	 * one of the object's; else the registers of the XML are looked at.
	 */
	int (*access)(void *state, unsigned int space, uint32_t offset, unsigned int width,
		      int write, uint64_t *value);
	/* Likewise, to config space: aligned. */
	int (*config)(void *state, uint32_t offset, unsigned int width, int write,
		      uint64_t *value);
	/* A frame for the guest, without CRC; UVF_NIC_… NULL: the rings of the XML have it. */
	int (*receive)(void *state, uint8_t *frame, uint32_t len);
	/* Goes on with what is to be sent. Not 0: there is more. */
	int (*poll)(void *state);
	/*
	 * Frames of the XML's rings, to look at and to change; *@len may grow up to @size, where
	 * the frame goes out. 0: it is dropped.
	 */
	int (*frame_in)(void *state, uint8_t *frame, uint32_t *len, uint32_t size);
	int (*frame_out)(void *state, uint8_t *frame, uint32_t *len, uint32_t size);
	void (*link)(void *state, int up);
	void (*memory)(void *state); /* ranges have changed */
	/*
	 * From now on, what is to be known after this process was killed lies in @memory, of @size
	 * bytes, 64-aligned, valid until stop(). @left: there a predecessor, who was killed, left
	 * what it was, and the object goes on with it; else it is zeroes, and the object goes on as
	 * it is. What is there is looked at as if anybody could have written it.
	 */
	void (*keep)(void *state, void *memory, size_t size, int left);
};

/* The one symbol that is looked for. */
#define UVF_PERSONALITY                                                                           \
	__attribute__((visibility("default"))) extern const struct uvf_personality uvf_personality; \
	const struct uvf_personality uvf_personality

#ifdef __cplusplus
}
#endif

#endif /* UVF_PERSONALITY_H */
