/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What carries a NIC: the operations that it has of the world (guest memory, interrupts, frames
 * out, the time), and its entry points, by which the world reaches it.
 *
 *	nic_open(&nic, &ops, ctx, mac)	a NIC without a personality: config space is all ones
 *	nic_load(nic, "e1000")		now it is one; once more, and it is another one
 *	nic_config() nic_bar() nic_receive() nic_poll() nic_tick() nic_link() nic_reset()
 *	nic_close(nic)
 *
 * A NIC belongs to one thread: entry points are not called from within each other, nor from within
 * an operation. They bring up no file and allocate nothing, but for nic_open() and nic_load().
 *
 * Whatever a guest does, an entry point returns after a bounded number of steps. What is left to do
 * is left: nic_poll() says that there is more.
 */
#ifndef UVF_NIC_TRANSPORT_H
#define UVF_NIC_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct nic;

/* What a NIC asks for. @ctx is that of nic_open(). All are needed but those that may be NULL. */
struct nic_transport {
	/*
	 * Guest memory at the DMA address @at: where its first byte is for us, and in *@row how
	 * many of the @len bytes (1 at least) lie there in a row, 1 at least; what follows is asked
	 * for anew. NULL: nobody mapped this address, or not for writing when @write.
	 *
	 * The pointer is used before the entry point returns and not later. @at + @len may go
	 * beyond 2^64: what is beyond is nowhere.
	 */
	void *(*dma)(void *ctx, uint64_t at, uint64_t len, bool write, uint64_t *row);

	/*
	 * What is mapped, for personalities that keep a table: the @i-th range, counted from 0; the
	 * whole of it lies in a row. False: there is no @i-th. May be NULL: then dma() is asked for
	 * each access. When ranges come or go, call nic_memory().
	 */
	bool (*range)(void *ctx, unsigned int i, uint64_t *at, uint64_t *size, void **pointer);

	/*
	 * Room for a frame that is to be sent: *@room bytes. NULL: there is none now; the NIC waits
	 * and asks again by the next nic_poll(). One room at a time is out. nic_reset() may have
	 * the NIC give one back.
	 */
	uint8_t *(*frame_room)(void *ctx, uint32_t *room);
	/* Sends the first @len bytes, without the CRC; 0: the room is given back unused. */
	void (*frame_send)(void *ctx, uint8_t *frame, uint32_t len);

	/* The line of INTx is asserted or not; called when it changes. */
	void (*intx)(void *ctx, bool asserted);
	/*
	 * Vector @vector of MSI or MSI-X fires. @address and @data are those of the guest; 0 with
	 * remote_vectors.
	 */
	void (*message)(void *ctx, unsigned int vector, uint64_t address, uint32_t data);
	/*
	 * Addresses and masks of vectors are kept on the other side (a user of VFIO emulates the
	 * MSI-X table, and hands out eventfds): each vector of an enabled MSI or MSI-X capability
	 * is taken to be unmasked here.
	 */
	bool remote_vectors;

	/* Monotonic time in nanoseconds. */
	uint64_t (*now)(void *ctx);
	/* One sentence for the log; a guest can't bring about more than some a second. */
	void (*say)(void *ctx, const char *sentence);
};

/* --- life. 0, or a negative errno and a sentence (uvf_why()) --- */

#define NIC_MAC 6

/* @ops must live as long as the NIC. */
int nic_open(struct nic **nic, const struct nic_transport *ops, void *ctx,
	     const uint8_t mac[NIC_MAC]);
void nic_close(struct nic *nic); /* NULL is fine */

/*
 * nic_load - from now on, the NIC is what @personality says: a name that is looked for where
 * personalities are installed, or a path (with a '/') of an XML file or a shared object.
 *
 * The device is as after power-on. The one before has gone, with all that was in its rings; its
 * interrupt line is deasserted. When the new one can't be had, the old one stays as it was.
 */
int nic_load(struct nic *nic, const char *personality);
/* The NIC has no personality any more: config space is all ones. */
void nic_unload(struct nic *nic);
/* Its name, or NULL. */
const char *nic_personality(const struct nic *nic);

/*
 * nic_keep - from now on, all that the NIC is at a moment lies in @memory, of @size bytes,
 * 64-aligned, which outlives the process. Until nic_load(), nic_unload(), nic_close(), by which it
 * ends there.
 * @left: a predecessor may have been killed; when it was a NIC of the same personality, this one
 * goes on as it.
 * Return: 1, it goes on; 0, it is as it was; -ENOSPC, with a sentence, and it is kept nowhere.
 */
int nic_keep(struct nic *nic, void *memory, size_t size, bool left);

/* As after power-on. Frames that are half taken are dropped. */
void nic_reset(struct nic *nic);

/* --- accesses. Little-endian, @width 1, 2 or 4 (BARs: 8 too) --- */

/*
 * An access to config space, which is 256 bytes. What is not there, or not aligned, reads as ones
 * and takes no write.
 */
void nic_config(struct nic *nic, uint32_t offset, unsigned int width, bool write, uint64_t *value);

/*
 * An access to BAR @bar (0 to 5) at @offset in it. Whether the guest has decoding on (the command
 * register) is the caller's to know; bus.h routes addresses, for callers that have these.
 */
void nic_bar(struct nic *nic, unsigned int bar, uint64_t offset, unsigned int width, bool write,
	     uint64_t *value);

struct nic_bar_info {
	uint64_t size; /* 0: there is no such BAR, or it is the upper half of the one before */
	bool io;
	bool wide; /* 64 bits */
	bool prefetch;
};
void nic_bar_info(const struct nic *nic, unsigned int bar, struct nic_bar_info *info);

/* How many vectors: INTx 0 or 1, MSI, MSI-X. */
struct nic_irq_info {
	unsigned int intx;
	unsigned int msi;
	unsigned int msix;
};
void nic_irq_info(const struct nic *nic, struct nic_irq_info *info);

/* Whether MSI-X is what the guest has enabled, rather than MSI. From within operations, too. */
bool nic_msix(const struct nic *nic);

/* --- frames --- */

enum nic_taken {
	NIC_TAKEN, /* the guest has it */
	NIC_DROPPED, /* it never will: a filter, a script, or it is too long; counted */
	NIC_FULL, /* there are no buffers; nothing has happened. Keep it, or nic_overrun() */
	NIC_OFF, /* the guest has not started to receive */
};

/* A frame for the guest, without the CRC. @frame may be changed. */
enum nic_taken nic_receive(struct nic *nic, uint8_t *frame, uint32_t len);
/* The caller has dropped what was NIC_FULL: the guest is told, as its NIC tells it. */
void nic_overrun(struct nic *nic);

/* Goes on with what the guest has to send. True: there is more, call again. */
bool nic_poll(struct nic *nic);

/* The link of the function has come up, or gone down: the guest sees it. Up at first. */
void nic_link(struct nic *nic, bool up);

/* Ranges of guest memory have come or gone: nothing of the old ones is kept. */
void nic_memory(struct nic *nic);

/* --- time --- */

/* When nic_tick() is to be called, by transport->now(); UINT64_MAX: never. */
uint64_t nic_deadline(const struct nic *nic);
void nic_tick(struct nic *nic);

/* --- what was counted --- */

struct nic_counters {
	uint64_t rx_frames, rx_bytes; /* taken by the guest */
	uint64_t tx_frames, tx_bytes; /* sent */
	uint64_t rx_filtered; /* not addressed to it */
	uint64_t rx_long, rx_full; /* too long; nic_overrun() */
	uint64_t tx_bad; /* a length of nothing, or of too much */
	uint64_t script_dropped; /* by a script or module */
	uint64_t script_errors;
	uint64_t dma_errors; /* addresses that are nowhere */
	uint64_t ring_errors; /* rings that make no sense */
	uint64_t reads, writes; /* register accesses */
	uint64_t interrupts; /* that went out */
	uint64_t throttled; /* that waited */
	uint64_t resets;
};
const struct nic_counters *nic_counters(const struct nic *nic);

#endif /* UVF_NIC_TRANSPORT_H */
