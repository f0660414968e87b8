/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What an interface process counts: one page in a file beside uvfd's socket (front/fw0), which
 * `uvf front` makes, the interface process writes and anybody who may reads. To look costs the
 * process nothing, and what it counted can be read when it has died; it holds a lock (flock) on the
 * file for as long as it lives.
 */
#ifndef UVF_COUNTERS_H
#define UVF_COUNTERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FRONT_MAGIC  0x75766632 /* the layout: vhost-user */
#define FRONT_VFIO_MAGIC 0x75767601 /* likewise, VFIO */
#define FRONT_PAIRS  16
#define FRONT_RINGS  (2 * FRONT_PAIRS)
#define FRONT_SOCKET 108
#define FRONT_WHY    160

/*
 * A virtqueue. In, for the even ones: frames that the guest received; out, for the odd ones: frames
 * that it sent.
 */
struct front_ring {
	uint64_t frames;
	uint64_t bytes; /* Ethernet headers included */
	uint64_t copied; /* bytes of these frames that the process itself read and wrote */
	uint64_t dropped; /* too large for the guest's buffers, or for the function; malformed */
	uint64_t waits; /* times that frames waited for the guest to post buffers */
	uint64_t full; /* times that frames waited for the function to have room */
	uint64_t kicks; /* notifications from the guest */
	uint64_t calls; /* and to it */
	uint64_t resumed; /* buffers in flight that a dead predecessor left */
	uint32_t size; /* entries; 0: not running */
	uint32_t packed;
	char path[8]; /* "copy", "shim" */
	char why[FRONT_WHY]; /* why not without a copy; "" */
};

struct front_counters {
	uint32_t magic;
	uint32_t size; /* of this structure */
	char function[16];
	char socket[FRONT_SOCKET];
	uint32_t client; /* 1: it connects; 0: it listens */
	int32_t pid;
	uint32_t pairs; /* that are offered */
	uint32_t connected;
	uint64_t connections; /* so far */
	uint64_t features; /* as negotiated */
	uint64_t protocol_features;
	uint32_t status; /* device status (Virtio 1.2, 2.1), 64 of which: needs reset */
	uint32_t link; /* 1: up */
	uint64_t broken; /* times that the device needed a reset */
	char why[FRONT_WHY]; /* the last time */
	char standby_of[16]; /* whose frames it takes while it is driven; "" */
	uint32_t took; /* 1: it has them */
	char standby_why[FRONT_WHY]; /* why it has not what it wants; "" */
	struct front_ring ring[FRONT_RINGS];
};

#define FRONT_PERSONALITY 256

/* Of a function that is a VFIO device. */
struct front_vfio {
	uint32_t magic;
	uint32_t size; /* of this structure */
	char function[16];
	char pci[24];
	char personality[FRONT_PERSONALITY]; /* its name */
	char next[FRONT_PERSONALITY]; /* what it is to be when its user lets go; "" */
	int32_t pid;
	uint32_t open; /* 1: a user has the device */
	uint32_t link; /* 1: up */
	uint32_t intx, msi, msix; /* vectors that the user listens for */
	uint64_t opened; /* so far */
	uint64_t swapped; /* personalities, so far */
	uint64_t resumed; /* 1: it goes on where a predecessor ended */

	/* the channel */
	uint64_t requests; /* of the user, accesses and resets */
	uint64_t again; /* of these, those that a predecessor had been given */
	uint64_t memory_gone; /* pages that the user took away while they were used */

	/* the function */
	uint64_t rx_waits; /* times that frames waited for the guest's buffers */
	uint64_t rx_dropped; /* frames that waited too long */
	uint64_t rx_off; /* frames that came while the guest did not receive */
	uint64_t tx_full; /* times that the guest waited for the function to have room */

	/* of the NIC: struct nic_counters, nic/transport.h */
	uint64_t rx_frames, rx_bytes, tx_frames, tx_bytes;
	uint64_t rx_filtered, rx_long, tx_bad;
	uint64_t script_dropped, script_errors;
	uint64_t dma_errors, ring_errors;
	uint64_t reads, writes;
	uint64_t interrupts, throttled;
	uint64_t resets;
};

/* The directory of these files, or that of @function; in @path of PATH_MAX. */
void counters_path(char *path, const char *function);
/*
 * @size bytes of that file, up to a whole page, cleared, and locked for as long as this process
 * lives; @fd -1: a page that nobody sees. NULL, with a sentence: another process counts, or it
 * can't be mapped.
 */
void *counters_map(int fd, size_t size, const char *function);

#endif /* UVF_COUNTERS_H */
