/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * libuvf - the library of an appliance
 *
 * An appliance is an ordinary process without any privilege. It reaches its functions in
 * four steps:
 *
 *	struct uvf *uvf;
 *	struct uvf_dev *in, *out;
 *
 *	uvf__open(&uvf, NULL);			one session, one UMEM
 *	uvf_dev__open(&in, uvf, "fw0");		lease a function
 *	uvf_dev__open(&out, uvf, "fw1");	and another one
 *	for (;;) {
 *		struct uvf_frame f[64];
 *		unsigned int n = uvf_dev__rx(in, f, 64);
 *		unsigned int sent = uvf_dev__tx(out, f, n);
 *
 *		uvf__free(uvf, f + sent, n - sent);
 *		if (!n)
 *			uvf__wait(uvf, -1);
 *	}
 *
 * Memory. The session owns one UMEM: a memfd divided into frames of one size. The kernel
 * writes received frames straight into it and sends from it; uvfd, which makes the AF_XDP
 * sockets, never touches its contents. A frame is always in exactly one place:
 *
 *	free		in the session's list
 *	filling		lent to a function for receiving
 *	held		described by a struct uvf_frame in the appliance's hands
 *	sending		given to a function by uvf_dev__tx(), until the kernel completes it
 *
 *	free -> filling -> held		uvf_dev__rx()
 *	free -> held			uvf__alloc()
 *	held -> sending -> free		uvf_dev__tx()
 *	held -> free			uvf__free()
 *
 * All functions of a session share the UMEM, so that to forward a frame from one function to
 * another is to move its descriptor. Not allowed, and not checked on the packet path: giving
 * away a frame twice, or using it after it was given away. It harms the appliance alone.
 *
 * Death. A process that dies without uvf__close() leaves its functions as they are: frames go on
 * to be received into its rings, and what it sent goes on to be sent. Its successor, started by
 * `uvf run` under the same name and on the same functions, with the same options, finds all of it
 * when it opens the session and the functions: first, in the order of arrival, the frames that the
 * dead held and had not freed or sent (as they were left: perhaps changed already), then those that
 * wait in the rings. What it had given to uvf_dev__tx() is sent once, whenever it died. Before
 * Linux 6.4, which can't map the rings of a socket twice, there is nothing to be found.
 *
 * Sources. A function's frames may come by several sockets: those of its queues, and those of
 * queues of its uplink that the operator leased to it (`uvf lease`). uvf_dev__rx() takes from
 * all of them in turn, and uvf_dev__tx() sends by the uplink's, if there is one. Frames of a flow
 * that changes from one socket to another may overtake each other then, and at no other time.
 *
 * Huge pages. Where enough of them are reserved (vm.nr_hugepages), and the UMEM fills whole ones,
 * as with the defaults, it lies in them; UVF_HUGE_PAGES=0 in the environment prevents it.
 *
 * Loss. Frames that are not read in time are dropped by the kernel and counted. A session
 * that holds all its frames receives nothing.
 *
 * Jumbo frames. What does not fit into a frame of the UMEM, less 256 bytes of headroom, is dropped
 * by the kernel and counted, unless the session was opened with uvf_opts.jumbo. Then it lies in
 * several frames of the UMEM, its buffers, in order: a struct uvf_frame for each, of which all but
 * the last have UVF_MORE in their options. uvf_dev__rx() and uvf_dev__tx() count buffers, and
 * never split a frame: the one returns whole frames, the other takes whole frames. What is sent
 * may be put together of any buffers that are held. Each is freed by itself. After a death, a
 * frame is had again as a whole: one of which a buffer had been freed or sent elsewhere is not. It
 * takes Linux 6.6; before, uvf__open() says so.
 *
 * Metadata. In a session that was opened with UVF_META_RX, uvf__meta() tells what is known of a
 * received frame beside its bytes: when it came, by this machine's clock and by the card's; the
 * card's hash of it; a VLAN tag that the card, or the stack, had taken out. It lies in front of the
 * frame, in the session's own memory. The kernel puts it there, by the XDP program that uvfd has
 * made for the function, and nobody else but the appliance itself: it is to be believed as much as
 * a frame's length. Whether a checksum was verified no kernel tells XDP yet. With UVF_META_TX,
 * uvf__ask() asks for something to be done with a frame that is sent: its checksum, and to be told
 * when it left (uvf_dev__sent()). A request is an option of a struct uvf_frame, and what is
 * received has none: a frame that is only forwarded asks for nothing, whatever lies in front of
 * it. Without these options of uvf_opts the kernel does none of it.
 *
 * Threads. A session and its functions belong to one thread at a time. Several sessions may
 * be used by several threads. To have several threads on one memory, and on one function of several
 * queues, a session is split: uvf__split() makes a part, with frames of its own, for each further
 * thread, and uvf_dev__split() moves queues of an open function into it. A thread uses its part as
 * it would a session, and gives frames that it holds to devices of its own part only. Opening,
 * splitting and closing are done while no other thread uses the session or its parts.
 *
 * Errors. Functions that can fail return 0 or a negative errno; uvf__why() then tells, in one
 * sentence, what was wrong and what to do.
 *
 * Nothing on the packet path (rx, tx, alloc, free, data) allocates memory, and only
 * uvf_dev__tx() and uvf__wait() enter the kernel.
 */
#ifndef UVF_LIBUVF_H
#define UVF_LIBUVF_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define UVF_API __attribute__((visibility("default")))

/* Names of functions, with the terminating NUL (IFNAMSIZ). */
#define UVF_NAME_SIZE 16

struct uvf;
struct uvf_dev;

/*
 * A frame that the appliance holds. The layout is that of struct xdp_desc
 * (linux/if_xdp.h), so that a descriptor of a ring is a frame as it is.
 */
struct uvf_frame {
	uint64_t addr; /* offset of the first byte in the UMEM; may be moved within the frame */
	uint32_t len; /* bytes, Ethernet header included, FCS not included */
	uint32_t options; /* 0, or UVF_MORE in a session with uvf_opts.jumbo, or UVF_ASKED */
};

/* The frame goes on in the next struct uvf_frame (XDP_PKT_CONTD, linux/if_xdp.h). */
#define UVF_MORE (1u << 0)

/* Something was asked for with it: see uvf__ask() (XDP_TX_METADATA, linux/if_xdp.h). */
#define UVF_ASKED (1u << 1)

/*
 * Buffers of a frame at most: 30464 bytes where they are of 2048, 65280 where they are of 4096,
 * and some 320 less for each where the kernel keeps those for itself (zero-copy, newer kernels).
 * What is longer is dropped by uvf_dev__rx() and not taken by uvf_dev__tx(). A card that sends from
 * the UMEM itself (uvf_dev_info.zerocopy) may do fewer, and drops what has more
 * (uvf_dev_stats.tx_invalid).
 */
#define UVF_BUFFERS 17

/*
 * uvf_frame__buffers - of the @n at @frames, how many are the first frame; 0 when it does not end
 * there, or has more than UVF_BUFFERS.
 */
static inline unsigned int uvf_frame__buffers(const struct uvf_frame *frames, unsigned int n)
{
	for (unsigned int i = 0; i < n && i < UVF_BUFFERS; i++)
		if (!(frames[i].options & UVF_MORE))
			return i + 1;
	return 0;
}

/* Options of uvf__open(). Zeroed fields mean the default. */
struct uvf_opts {
	size_t size; /* of this structure: fields of later versions are then left out */
	uint32_t frames; /* frames in the UMEM, 64 to 1048576; default 8192 */
	/*
	 * Bytes of a frame, 2048 or 4096, of which 256 are headroom; default: what UVF_FRAME_SIZE
	 * in the environment says, else 2048.
	 */
	uint32_t frame_size;
	const char *socket; /* of uvfd; default: what `uvf run` hands down, else UVF_SOCKET */
	/*
	 * Seconds that functions and frames wait for a successor, when this process dies without
	 * uvf__close(); up to 3600, default 30. UVF_NO_LINGER: not at all.
	 */
	uint32_t linger;
	/*
	 * Microseconds that uvf__wait() looks for frames before it sleeps, counted from the last
	 * one: up to 1000000, default 0. UVF_BUSY_ALWAYS: it never sleeps.
	 */
	uint32_t busy_us;
	/*
	 * While it looks, it has the kernel receive up to so many frames in its own calls, rather
	 * than in softirqs (SO_PREFER_BUSY_POLL): up to 64, default 0: it does not. Takes busy_us.
	 */
	uint32_t busy_budget;
	/*
	 * Bytes that the appliance keeps beside its frames, see uvf__kept(); up to 64 MiB, default
	 * 0. A successor with another number does not go on where its predecessor ended.
	 */
	uint32_t keep;
	/*
	 * UVF_JUMBO_*: whether frames may have several buffers, see above. Default: they may not,
	 * and UVF_JUMBO=1 in the environment is refused.
	 */
	uint32_t jumbo;
	/*
	 * UVF_META_*, default 0. A successor with others does not go on where its predecessor
	 * ended. Not together with uvf__map(). With UVF_META_TX a frame that is sent begins 24
	 * bytes or more behind the beginning of its memory, whether something is asked or not.
	 */
	uint32_t meta;
};

#define UVF_JUMBO_NEVER 0
#define UVF_JUMBO_ALWAYS 1
#define UVF_JUMBO_IF_SET 2 /* as UVF_JUMBO in the environment says: 1, or 0 */

#define UVF_META_RX (1u << 0) /* uvf__meta(): the time, Linux 6.1; all else 6.3, VLAN tags 6.8 */
#define UVF_META_TX (1u << 1) /* uvf__ask(). Linux 6.8 */

#define UVF_NO_LINGER UINT32_MAX
#define UVF_BUSY_ALWAYS UINT32_MAX

#define UVF_SOCKET "/run/uvf/uvfd.sock"

/* What a function is, read once when it is opened. */
struct uvf_dev_info {
	char name[UVF_NAME_SIZE];
	char uplink[UVF_NAME_SIZE];
	uint8_t mac[6];
	uint16_t mtu; /* bytes of IP packet that the uplink takes */
	uint32_t ifindex;
	uint32_t ring_size; /* entries of each of the four rings of a queue */
	uint32_t zerocopy; /* 1: the kernel writes into the UMEM without a further copy */
	uint32_t frame_max; /* bytes of a frame that can be received; longer ones are dropped */
	uint32_t asks; /* UVF_ASK_*: what the kernel does with what is sent; see uvf__ask() */
};

/* Counters since uvf_dev__open(), in frames and bytes. */
struct uvf_dev_stats {
	uint64_t rx_frames;
	uint64_t rx_bytes;
	uint64_t tx_frames; /* given to the kernel */
	uint64_t tx_bytes;
	uint64_t tx_full; /* refused by uvf_dev__tx() because the ring was full */
	uint64_t rx_dropped; /* too long, or by the kernel (XDP_STATISTICS, linux/if_xdp.h) */
	uint64_t rx_ring_full; /* of these: no room in the receive ring */
	uint64_t rx_no_frame; /* times the kernel had no frame left: not read or freed in time */
	uint64_t tx_invalid; /* descriptors that the kernel refused */
};

/*
 * uvf__open - open a session: make the UMEM and register it with uvfd.
 * @opts: NULL for the defaults.
 * Return: 0; -ECONNREFUSED or -ENOENT when uvfd does not run, -EACCES when it refuses this
 * process, -EINVAL for options out of range, -ENOMEM, -EOPNOTSUPP for jumbo frames that the kernel,
 * or this appliance, does not have, and for metadata that the kernel does not have.
 */
UVF_API int uvf__open(struct uvf **uvf, const struct uvf_opts *opts);

/* uvf__close - close all functions of the session and free it. NULL is allowed. */
UVF_API void uvf__close(struct uvf *uvf);

/* uvf__why - one sentence about the last failure in this thread; never NULL. */
UVF_API const char *uvf__why(void);

/*
 * uvf_dev__open - lease the function @name and map its rings.
 * Return: 0; -ENODEV when there is no such function, -EPERM when it belongs to another
 * appliance, -EBUSY when it is leased already, -ENETDOWN when it or its uplink is down.
 */
UVF_API int uvf_dev__open(struct uvf_dev **dev, struct uvf *uvf, const char *name);

/*
 * uvf_dev__close - give the function back. Frames in its rings return to the session; frames
 * that the appliance holds stay valid. NULL is allowed.
 */
UVF_API void uvf_dev__close(struct uvf_dev *dev);

UVF_API const struct uvf_dev_info *uvf_dev__info(const struct uvf_dev *dev);
UVF_API int uvf_dev__stats(struct uvf_dev *dev, struct uvf_dev_stats *stats);

/*
 * uvf__redirect - from now on the frames that are for the function @of come to @to, a function that
 * the session has leased; or no longer (@to: NULL). From one frame to the next, and none is lost:
 * so an appliance takes the place of another, which goes on until then. @of is a function of the
 * same uplink that has @to as its standby (`uvf redirect OF standby TO`). It gets its frames back
 * when the lease of @to ends, too. Waits a tenth of a second at most.
 * Return: 0, also when there is nothing to take back; -EPERM when @to is no standby of @of, -ENODEV
 * when there is no such function; -ETIMEDOUT when uvfd does not answer: it may do it yet, so say it
 * again.
 */
UVF_API int uvf__redirect(struct uvf *uvf, const char *of, const char *to);

/*
 * uvf__split - make a part of the session, for another thread, with @frames of its free frames.
 * What a part's devices receive into and what it sends are these: as many as its queues lend to the
 * kernel (2048 each at most), and some bursts. uvf__close() of the part, or of the session, gives
 * all back. Notices of uvfd come to the session alone: parts are not told that a function is gone.
 * Return: 0; -ENOBUFS when there are fewer free frames, -EMFILE beyond 64 parts, -EINVAL for a part
 * of a part, -ENOMEM.
 */
UVF_API int uvf__split(struct uvf **part, struct uvf *uvf, uint32_t frames);

/*
 * uvf_dev__split - move @count queues of @dev, from @first on, into a device of @part. The queues
 * that stay are numbered anew; one must stay. uvf_dev__close() moves them back.
 * Return: 0; -EINVAL for queues that are not there, or all; -EMFILE, -ENOMEM.
 */
UVF_API int uvf_dev__split(struct uvf_dev **piece, struct uvf_dev *dev, struct uvf *part,
			   unsigned int first, unsigned int count);

/* uvf_dev__queues - how many queues of its function a device has. */
UVF_API unsigned int uvf_dev__queues(const struct uvf_dev *dev);

/*
 * uvf_dev__rx - take up to @n received frames; they are then held by the caller.
 * In a session with uvf_opts.jumbo, @n is UVF_BUFFERS or more: a frame of more than @n buffers is
 * dropped, and counted in rx_dropped.
 */
UVF_API unsigned int uvf_dev__rx(struct uvf_dev *dev, struct uvf_frame *frames, unsigned int n);

/*
 * uvf_dev__tx - give up to @n held frames to the kernel for sending, in order.
 * Return: how many were taken; the caller still holds the rest. Never part of a frame: nothing from
 * one on that uvf_frame__buffers() does not take for whole.
 */
UVF_API unsigned int uvf_dev__tx(struct uvf_dev *dev, const struct uvf_frame *frames,
				 unsigned int n);

/* uvf__alloc - take up to @n free frames; each is empty and begins behind the headroom. */
UVF_API unsigned int uvf__alloc(struct uvf *uvf, struct uvf_frame *frames, unsigned int n);

/* uvf__free - give @n held frames back. */
UVF_API void uvf__free(struct uvf *uvf, const struct uvf_frame *frames, unsigned int n);

/* uvf__data - where a held frame's bytes are. */
UVF_API void *uvf__data(const struct uvf *uvf, const struct uvf_frame *frame);

/* uvf__room - bytes from the frame's first byte to the end of its memory. */
UVF_API uint32_t uvf__room(const struct uvf *uvf, const struct uvf_frame *frame);

/*
 * uvf__kept - uvf_opts.keep bytes of the appliance's own, 64-aligned, zero at first, that a
 * successor finds as they were.
 */
UVF_API void *uvf__kept(const struct uvf *uvf);

/* What is known of a received frame. A field is 0 where @known does not have it. */
struct uvf_meta {
	uint32_t known; /* UVF_KNOWN_* */
	uint32_t hash; /* UVF_KNOWN_HASH: what the card chose a queue by (RSS) */
	/*
	 * UVF_KNOWN_TIME: when the function's XDP program saw it, in ns of CLOCK_TAI. The time of
	 * day is that less the difference of CLOCK_TAI and CLOCK_REALTIME (clock_gettime(2)).
	 */
	uint64_t time;
	/* UVF_KNOWN_HARDWARE_TIME: when it was received, in ns of the card's clock. */
	uint64_t hardware_time;
	uint16_t hash_type; /* UVF_KNOWN_HASH: UVF_HASH_*, what it was made of */
	uint16_t vlan_proto; /* UVF_KNOWN_VLAN: 0x8100 or 0x88a8; the tag is not in the frame */
	uint16_t vlan_tci; /* UVF_KNOWN_VLAN: priority and VLAN (IEEE 802.1Q, 9.6) */
	uint16_t pad;
};

#define UVF_KNOWN_TIME (1u << 0)
#define UVF_KNOWN_HARDWARE_TIME (1u << 1)
#define UVF_KNOWN_HASH (1u << 2)
#define UVF_KNOWN_VLAN (1u << 3)

/* Addresses, of IPv4 or IPv6 (and headers behind it), and ports, of a protocol if known. */
#define UVF_HASH_IP4 (1u << 0)
#define UVF_HASH_IP6 (1u << 1)
#define UVF_HASH_IP6_MORE (1u << 2)
#define UVF_HASH_PORTS (1u << 3)
#define UVF_HASH_TCP (1u << 4)
#define UVF_HASH_UDP (1u << 5)
#define UVF_HASH_SCTP (1u << 6)
#define UVF_HASH_IPSEC (1u << 7)
#define UVF_HASH_ICMP (1u << 8)

/*
 * uvf__meta - what is known of a received frame that is held; of several buffers, the first.
 * It lies in the 32 bytes in front of where the frame began, and is gone when the appliance writes
 * there, or says uvf__ask(). A successor finds it as it was. Of what came by a queue of the uplink
 * (`uvf lease`) nothing is known yet.
 * Return: @meta->known; 0 in a session without UVF_META_RX.
 */
UVF_API uint32_t uvf__meta(const struct uvf *uvf, const struct uvf_frame *frame,
			   struct uvf_meta *meta);

/* What is asked for with a frame that is sent. */
struct uvf_ask {
	uint32_t what; /* UVF_ASK_* */
	/*
	 * UVF_ASK_CHECKSUM: the Internet checksum (RFC 1071) of all from byte @checksum_start on,
	 * counted from the frame's first byte, is put at @checksum_start + @checksum_offset. There
	 * lies what it begins with: of TCP and UDP the sum of their pseudo header, folded and not
	 * complemented. An UDP checksum of 0 is written as 0xffff, as it should be.
	 */
	uint16_t checksum_start;
	uint16_t checksum_offset;
	uint64_t cookie; /* UVF_ASK_TIME: comes back with the time */
};

#define UVF_ASK_CHECKSUM (1u << 0)
#define UVF_ASK_TIME (1u << 1)

/*
 * uvf__ask - ask for something to be done with a held frame, before it is given to uvf_dev__tx();
 * of several buffers, with the first. It is written into the 32 bytes in front of the frame, and
 * UVF_ASKED into its options; without that option nothing is asked for. Last of all: it must not
 * be moved or made shorter then. (After a death, a frame that had not been given away asks for
 * nothing.)
 *
 * Sums are made by the kernel, or by the card behind it, where uvf_dev_info.asks says so; else by
 * uvf_dev__tx(), so that they are right in any case. A time is told where uvf_dev_info.asks says.
 * Return: 0; -EINVAL with less than 32 bytes in front of the frame, for sums that are not of it,
 * and for what is not UVF_ASK_*; -EOPNOTSUPP in a session without UVF_META_TX.
 */
UVF_API int uvf__ask(const struct uvf *uvf, struct uvf_frame *frame, const struct uvf_ask *ask);

/* A frame that has left. */
struct uvf_sent {
	uint64_t cookie; /* as in struct uvf_ask */
	uint64_t time; /* when the driver was done with it: ns of CLOCK_TAI; 0: it is not told */
};

/* Times that are kept for uvf_dev__sent(); with more of them, the oldest are forgotten. */
#define UVF_SENT_KEPT 4096

/*
 * uvf_dev__sent - up to @n of the frames that have left and whose time was asked for, the first
 * ones first. Those that a dead predecessor had sent are among them.
 */
UVF_API unsigned int uvf_dev__sent(struct uvf_dev *dev, struct uvf_sent *sent, unsigned int n);

/* Where the frames of the UMEM are: the sum of all is the number of frames. */
struct uvf_account {
	uint32_t free;
	uint32_t held; /* by the appliance, or by its dead predecessor: to be received again */
	uint32_t filling; /* lent to functions to receive into */
	uint32_t sending;
	uint32_t resumed; /* 1: this session goes on where a dead predecessor ended */
	uint32_t mapped; /* 1: and that had uvf__map(); what it received is lost without it */
};

/* uvf__account - count the frames in each state. Not for the packet path: it looks at each. */
UVF_API void uvf__account(struct uvf *uvf, struct uvf_account *account);

/*
 * uvf__wait - sleep until a function of the session has frames or room, at most @timeout_ms
 * milliseconds (-1: for ever, 0: only look).
 * Return: 1 when there is something to do, 0 after the time, -EINTR after a signal,
 * -ENODEV when a function is gone, -ESHUTDOWN when uvfd was stopped and took all of them back,
 * -EPIPE, once, when uvfd was killed: the rings stay usable.
 * While it looks busily (uvf_opts.busy_us) it returns 0 after some 100 microseconds, for signals to
 * be seen: the caller looks for them, and calls it again.
 */
UVF_API int uvf__wait(struct uvf *uvf, int timeout_ms);

/*
 * uvf_dev__fd - for a program's own poll loop: readable when there are frames. A program that
 * polls for itself calls uvf_dev__rx() until it returns 0 before it sleeps.
 */
UVF_API int uvf_dev__fd(const struct uvf_dev *dev);

/*
 * Memory of others. Files that the appliance has descriptors of, such as the memory of a guest, can
 * lie behind the session's frames in its UMEM, so that frames are received right into them, and
 * sent from there, without a copy. In such a session nothing is lent or freed by itself: for each
 * device the caller
 *
 *	uvf_dev__lend()			lends places to be received into
 *	uvf_dev__peek(), take()		looks at what was received there, then takes it
 *	uvf_dev__tx()			sends frames at any address
 *	uvf_dev__done(), take_done()	looks at what was sent from there, then takes it back
 *
 * Addresses below frames * frame_size are the session's own frames, from uvf__alloc(), and may be
 * mixed with others: a frame that was lent and taken is held, one that was sent and taken is free.
 * The kernel copies into such memory and out of it, once; it takes no other way yet.
 */
#define UVF_MEMORIES 16

struct uvf_memory {
	int fd; /* of a memfd, or of a file in huge pages of 2 MiB; stays the caller's */
	uint32_t pad;
	uint64_t size; /* bytes from the file's beginning, a multiple of 4096 */
	uint64_t at; /* filled in: the address of its first byte */
};

/*
 * uvf__map - put @count files behind the frames, in place of those that were there; 0: none.
 * @frame_max: bytes written at most where a frame begins. Longer ones are dropped by the kernel.
 * 64 to the size of a frame, less 256.
 * While no device is open. A successor says the same again, and goes on with its sockets.
 * Return: 0; -EBUSY with a device open, -EINVAL, -ENOMEM beyond what uvfd allows, -EOPNOTSUPP for
 * huge pages of another size, and in a session with jumbo frames or metadata.
 */
UVF_API int uvf__map(struct uvf *uvf, struct uvf_memory *memory, uint32_t count,
		     uint32_t frame_max);

/*
 * uvf_dev__lend - up to @n addresses, each where a frame's first byte is to be.
 * Return: how many were taken, the first ones; there is no room for more.
 */
UVF_API unsigned int uvf_dev__lend(struct uvf_dev *dev, const uint64_t *addrs, unsigned int n);

/* uvf_dev__peek - up to @n received frames, which stay in the ring; of one queue at a time. */
UVF_API unsigned int uvf_dev__peek(struct uvf_dev *dev, struct uvf_frame *frames, unsigned int n);
/* uvf_dev__take - take the first @n of them out. */
UVF_API void uvf_dev__take(struct uvf_dev *dev, unsigned int n);

/*
 * uvf_dev__done - up to @n addresses of frames that were sent, which stay in the ring. The lowest
 * bit may be lost: kernels keep the address in a pointer and use that bit (6.18, net/xdp/xsk.c,
 * xsk_skb_destructor_set_addr()).
 */
UVF_API unsigned int uvf_dev__done(struct uvf_dev *dev, uint64_t *addrs, unsigned int n);
/* uvf_dev__take_done - take the first @n of them out. */
UVF_API void uvf_dev__take_done(struct uvf_dev *dev, unsigned int n);

/*
 * How many addresses a device of one queue was ever lent, and how many frames were ever given to
 * uvf_dev__tx(), modulo 2^32. A successor finds the same numbers, and so can tell what its
 * predecessor had written down and not done.
 */
UVF_API uint32_t uvf_dev__lend_index(const struct uvf_dev *dev);
UVF_API uint32_t uvf_dev__tx_index(const struct uvf_dev *dev);

/*
 * uvf_dev__tx_taken - how many of the latter the kernel has taken out of the ring, modulo 2^32.
 * With uvf__map() these are copied: their memory may be used again, long before uvf_dev__done()
 * says that they have left. Not so on a leased queue of an uplink that sends from pages of the
 * UMEM (IFF_TX_SKB_NO_LINEAR: virtio_net); functions' own netdevs never do.
 */
UVF_API uint32_t uvf_dev__tx_taken(const struct uvf_dev *dev);

#ifdef __cplusplus
}
#endif

#endif /* UVF_LIBUVF_H */
