/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * uvf-vfio: the VFIO face of a function
 *
 * This header is the manual of the ABI of uvf-vfio.ko; the structures follow at the end.
 *
 * A function whose PCI side is bound to the driver "uvf-vfio" is a VFIO device: /dev/vfio/N
 * appears, and a virtual machine or a driver in user space, the *user*, opens it as any other. What
 * the user reads and writes there is answered by the function's *interface process*, over a
 * *channel*: a descriptor of /dev/uvf-vfio. The kernel passes accesses, interrupts and memory
 * between the two, and knows nothing of the device that the process plays.
 *
 *	user (QEMU)                         kernel                      interface process
 *	───────────                         ──────                      ─────────────────
 *	read, write of a region       ──▶   request, with a limit ──▶   read()
 *	                              ◀──                         ◀──   write() of the reply
 *	write of a posted region      ──▶   request               ──▶   read(), write()
 *	write where a doorbell is     ──▶   ─────────────────────────▶  its eventfd
 *	eventfd of a vector           ◀──   ◀─────────────────────────  UVF_VFIO_IRQ, or its eventfd
 *	memory given to VFIO's IOMMU  ──▶   pinned page by page   ──▶   mmap() of the channel
 *	mmap() of a region            ──▶   pages shared by both  ──▶   mmap() of the channel
 *	VFIO_DEVICE_RESET             ──▶   request               ──▶   read()
 *
 *
 * BINDING
 *
 *	modprobe uvf-vfio
 *	echo uvf-vfio >/sys/bus/pci/devices/10000:00:00.0/driver_override
 *	echo 10000:00:00.0 >/sys/bus/pci/drivers/uvf/unbind
 *	echo 10000:00:00.0 >/sys/bus/pci/drivers_probe
 *
 * The function's network device stays as it is, and works without interrupt vectors of its own. The
 * VFIO device can be opened once an interface process serves; before, VFIO_GROUP_GET_DEVICE_FD
 * says ENXIO. Its DMA is emulated: no IOMMU is needed.
 *
 *
 * THE CHANNEL
 *
 * /dev/uvf-vfio is opened, then
 *
 *	UVF_VFIO_SELECT		says which function it is for. Takes CAP_NET_ADMIN in the initial
 *				user namespace; nothing else does. The descriptor can then be passed
 *				to a process that has no right at all, and may not be opened by it.
 *	UVF_VFIO_SERVE		declares the device, and begins to serve. Again, it declares another
 *				one in its place, while no user has the device open; doorbells and
 *				eventfds of vectors are taken off then, and that the last user has
 *				closed it is not told any more.
 *
 * A function has one channel at a time. It ends when its last descriptor and mapping are gone;
 * when a successor selects the function with UVF_VFIO_SELECT_TAKE_OVER; and when the function's
 * network device or its driver goes. Then read() says 0, poll() EPOLLHUP, all else EPIPE, and what
 * was mapped of the guest's memory raises SIGBUS.
 *
 * What is declared, struct uvf_vfio_layout:
 *
 *	timeout_ms	how long an access waits for its reply, 1 to UVF_VFIO_TIMEOUT_MAX
 *	linger_ms	how long accesses wait for a successor after the channel's end, up to
 *			UVF_VFIO_LINGER_MAX; 0: not at all
 *	intx		1, if the device has an interrupt pin, else 0
 *	msi		how many MSI messages it may be given, 0 to UVF_VFIO_MSI_MAX
 *	msix		how many entries its MSI-X table has, 0 to UVF_VFIO_MSIX_MAX
 *	region[]	by VFIO's numbers: BAR 0 to 5, ROM, configuration space; the last, VGA, has
 *			size 0. A region that is not there has size 0 and nothing else.
 *	    size	BAR: a power of two from 16 to UVF_VFIO_REGION_MAX, of I/O ports as well.
 *			ROM: a power of two from 2 KiB to 16 MiB. Configuration space: 256 or 4096.
 *	    flags	UVF_VFIO_REGION_READ, _WRITE; configuration space has both, the ROM is read
 *			only. UVF_VFIO_REGION_WIDE: a naturally aligned access of 8 bytes comes
 *			as one, instead of two of 4. UVF_VFIO_REGION_POSTED, of BARs that can be
 *			written: the user does not wait until a write is carried out, as a
 *			processor does not with memory BARs (PCI Local Bus 3.0, 3.2.5).
 *	    direct_offset, direct_size
 *			pages of a BAR that need no trap: memory that the kernel provides, at first
 *			zeroes, and that user and process map. Both are multiples of 4096; in all
 *			regions together, at most UVF_VFIO_DIRECT_MAX.
 *
 * While the user has the device open, a successor must declare the same again (time limits may
 * differ), and finds the direct pages as they were.
 *
 *
 * REQUESTS
 *
 * read() gives whole struct uvf_vfio_request, one or several, oldest first; it waits for one,
 * unless O_NONBLOCK. write() takes struct uvf_vfio_reply, one or several, with the id of a request.
 * Each request wants a reply; with several under way, in any order. (A user has one at a time for
 * each of its threads: for QEMU, for each processor of the guest.)
 *
 *	UVF_VFIO_READ		value of the reply: what stands there, little-endian, in the low
 *				bytes
 *	UVF_VFIO_WRITE		value: what is written
 *	UVF_VFIO_RESET		value: UVF_VFIO_RESET_ASKED by the user, or that the user has the
 *				device now, _OPENED, or has it no more, _CLOSED (whose reply nobody
 *				waits for). The device is to be as after power-on, and to access
 *				memory no more.
 *
 * region, offset and width (1, 2, 4; 8 where WIDE) say where. An access never reaches over the end
 * of its region and is naturally aligned; what a user asks beyond that comes in pieces. Addresses
 * in BARs are the process's own: the kernel does not look into configuration space.
 *
 * error in a reply: 0; or a positive errno, and the user's system call fails with it.
 *
 * A write to a region that is _POSTED wants a reply as any other, but the user goes on at once: its
 * error is lost. Requests stay in their order, so that whoever reads, in any region, finds what was
 * written before carried out; doorbells and direct pages overtake. UVF_VFIO_POSTED_MAX of them can
 * be under way; the next one waits. When the user closes the device, they have a tenth of a second;
 * what is left then is dropped.
 *
 * A request that has no reply in timeout_ms is over: reads give all ones, writes are lost, a reset
 * says ETIMEDOUT. The process is then *stuck*, and all requests end so at once, until it reads or
 * writes again. A reply that comes too late is ignored. So is one for an unknown id.
 *
 * When the channel ends, requests wait for a successor for linger_ms, within their timeout_ms. One
 * that the predecessor had read is given to the successor again, with UVF_VFIO_AGAIN in flags:
 * nobody knows whether it was carried out.
 *
 * UVF_VFIO_DOORBELL makes a place a doorbell: a write of that width at that offset, of any value or
 * of `value` alone (UVF_VFIO_DOORBELL_MATCH), adds one to an eventfd and is no request. Without an
 * eventfd (-1), that doorbell is taken off. At most UVF_VFIO_DOORBELLS_MAX, not in configuration
 * space, the ROM, or direct pages. Doorbells go with the channel.
 *
 *
 * INTERRUPTS
 *
 * A vector is named by VFIO's index (0: INTx, 1: MSI, 2: MSI-X) and a number.
 *
 *	UVF_VFIO_IRQ		level 1 raises it. INTx is level-triggered: it stays raised until
 *				level 0, and comes again when the user unmasks it meanwhile. MSI and
 *				MSI-X know no level 0 (ignored).
 *	UVF_VFIO_IRQFD		ties an eventfd to it: who writes there raises the vector; for INTx,
 *				until UVF_VFIO_IRQ with level 0. -1: no more. They go with the
 *				channel.
 *
 * What is raised while the user listens to no eventfd for that vector comes, once, when it does;
 * until reset, or until the user switches the index off. Whether the guest has switched MSI on is
 * in configuration space, and the process's affair. An eventfd that the user has given for one
 * vector does not raise another one.
 *
 *
 * GUEST MEMORY
 *
 * What the user maps for DMA (VFIO_IOMMU_MAP_DMA) the process sees by its DMA address, which for a
 * virtual machine is the guest-physical one:
 *
 *	base = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, channel,
 *		    UVF_VFIO_MAP_DMA + first);
 *
 * shows addresses from `first` on, a multiple of 4096, whether anything is mapped there or not; map
 * as much as a guest could have. A page is pinned when it is touched first, on the account of who
 * mapped it (RLIMIT_MEMLOCK of the user), until it is unmapped, the device is closed, or the
 * channel ends. Touching what is not mapped, or writing what may only be read, raises SIGBUS; in a
 * system call it is EFAULT. Unmapping takes the page out of the mapping at once, without asking,
 * and mapping again shows the new one: no pointer into `base` ever goes stale. Pages cannot be a
 * UMEM or a target of O_DIRECT (they are no ordinary memory to the kernel).
 *
 *	UVF_VFIO_DMA_READ, UVF_VFIO_DMA_WRITE
 *				copy up to UVF_VFIO_DMA_MAX bytes from or to a DMA address; EFAULT
 *				where nothing is mapped, or not for that.
 *	UVF_VFIO_DMA_PROBE	says how many of `length` bytes, UVF_VFIO_DMA_MAX at most, are
 *				mapped in a row; with UVF_VFIO_PROBE_WRITE in flags, for writing.
 *				What was found is pinned: to touch it raises no SIGBUS, unless the
 *				user unmaps it meanwhile.
 *
 * Direct pages of region r are mapped by the process, with the offset within the region, from
 *
 *	UVF_VFIO_MAP_REGION(r)
 *
 *
 * STATE
 *
 * UVF_VFIO_GET_STATE tells whether the user has the device open, and for which vectors it listens:
 * what a successor wants to know.
 *
 *
 * REFUSALS
 *
 *	EPERM		CAP_NET_ADMIN is missing in the initial user namespace
 *	E2BIG		size says a structure longer than the kernel's
 *	EINVAL		size is too small; an unknown flag, a reserved field not 0; a layout that
 *			breaks the rules above; a region, vector, width or offset that there is not;
 *			a write that is no multiple of a reply
 *	ENODEV		no function with this address is bound to uvf-vfio
 *	ENXIO		the function is spare: a link brings it into use. Opening the VFIO device:
 *			nobody serves
 *	EBUSY		it has a channel; a user still has it open that came before the function's
 *			network device was made; another layout, or the same again of who serves
 *			already, while the user has it open; the channel has selected already; too
 *			many doorbells; one is there already
 *	ENOTCONN	it has not selected, or does not serve yet
 *	EPIPE		the channel has ended
 *	ENOENT		there is no such doorbell
 *	EBADF, EINVAL	no descriptor of an eventfd
 *	EFAULT		a bad pointer; an address that is not mapped for DMA
 */
#ifndef _UAPI_LINUX_UVF_VFIO_H
#define _UAPI_LINUX_UVF_VFIO_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define UVF_VFIO_DEVICE		"/dev/uvf-vfio"
#define UVF_VFIO_DRIVER		"uvf-vfio"

#define UVF_VFIO_TIMEOUT_MAX	60000
#define UVF_VFIO_LINGER_MAX	60000
#define UVF_VFIO_MSI_MAX	32
#define UVF_VFIO_MSIX_MAX	256
#define UVF_VFIO_REGION_MAX	(1ULL << 32)
#define UVF_VFIO_DIRECT_MAX	(4U << 20)
#define UVF_VFIO_DOORBELLS_MAX	64
#define UVF_VFIO_POSTED_MAX	32
#define UVF_VFIO_DMA_MAX	(64U << 10)

/* Each structure of an ioctl() begins with its size: what comes later is 0 for who knows less. */

/* Size of a PCI address as text is UVF_PCI_SIZE of <linux/uvf.h>. */
struct uvf_vfio_select {
	__u32 size;
	__u32 flags;
	char pci[24];
};

#define UVF_VFIO_SELECT_TAKE_OVER	(1U << 0)	/* ends a channel that is there */

struct uvf_vfio_region {
	__u64 size;
	__u32 flags;
	__u32 reserved;
	__u64 direct_offset;
	__u64 direct_size;
};

#define UVF_VFIO_REGION_READ	(1U << 0)
#define UVF_VFIO_REGION_WRITE	(1U << 1)
#define UVF_VFIO_REGION_WIDE	(1U << 2)
#define UVF_VFIO_REGION_POSTED	(1U << 3)

/* VFIO_PCI_NUM_REGIONS */
#define UVF_VFIO_REGIONS	9

struct uvf_vfio_layout {
	__u32 size;
	__u32 flags;		/* 0 */
	__u32 timeout_ms;
	__u32 linger_ms;
	__u32 intx;
	__u32 msi;
	__u32 msix;
	__u32 reserved;
	struct uvf_vfio_region region[UVF_VFIO_REGIONS];
};

enum uvf_vfio_type {
	UVF_VFIO_READ = 1,
	UVF_VFIO_WRITE,
	UVF_VFIO_RESET,
};

enum uvf_vfio_reset {
	UVF_VFIO_RESET_ASKED,
	UVF_VFIO_RESET_OPENED,
	UVF_VFIO_RESET_CLOSED,
};

struct uvf_vfio_request {
	__u32 id;
	__u16 type;		/* enum uvf_vfio_type */
	__u16 flags;
	__u32 region;
	__u32 width;
	__u64 offset;
	__u64 value;
};

#define UVF_VFIO_AGAIN		(1U << 0)

struct uvf_vfio_reply {
	__u32 id;
	__u32 error;
	__u64 value;
};

struct uvf_vfio_irq {
	__u32 size;
	__u32 index;
	__u32 vector;
	__u32 level;
};

struct uvf_vfio_irqfd {
	__u32 size;
	__u32 index;
	__u32 vector;
	__s32 eventfd;
};

struct uvf_vfio_doorbell {
	__u32 size;
	__u32 flags;
	__u32 region;
	__u32 width;
	__u64 offset;
	__u64 value;
	__s32 eventfd;
	__u32 reserved;
};

#define UVF_VFIO_DOORBELL_MATCH	(1U << 0)

struct uvf_vfio_dma {
	__u32 size;
	__u32 length;
	__u64 address;		/* DMA address */
	__u64 data;		/* pointer of the process */
};

struct uvf_vfio_probe {
	__u32 size;
	__u32 flags;
	__u64 address;
	__u64 length;		/* asked for; then: found */
};

#define UVF_VFIO_PROBE_WRITE	(1U << 0)

struct uvf_vfio_state {
	__u32 size;
	__u32 flags;
	__u32 intx;		/* how many vectors the user listens for */
	__u32 msi;
	__u32 msix;
	__u32 reserved;
};

#define UVF_VFIO_STATE_OPEN		(1U << 0)	/* the user has it open */
#define UVF_VFIO_STATE_INTX_MASKED	(1U << 1)	/* INTx waits for unmasking */

#define UVF_VFIO_MAGIC		0xf5
#define UVF_VFIO_SELECT		_IOW(UVF_VFIO_MAGIC, 0, struct uvf_vfio_select)
#define UVF_VFIO_SERVE		_IOW(UVF_VFIO_MAGIC, 1, struct uvf_vfio_layout)
#define UVF_VFIO_GET_STATE	_IOWR(UVF_VFIO_MAGIC, 2, struct uvf_vfio_state)
#define UVF_VFIO_IRQ		_IOW(UVF_VFIO_MAGIC, 3, struct uvf_vfio_irq)
#define UVF_VFIO_IRQFD		_IOW(UVF_VFIO_MAGIC, 4, struct uvf_vfio_irqfd)
#define UVF_VFIO_DOORBELL	_IOW(UVF_VFIO_MAGIC, 5, struct uvf_vfio_doorbell)
#define UVF_VFIO_DMA_READ	_IOW(UVF_VFIO_MAGIC, 6, struct uvf_vfio_dma)
#define UVF_VFIO_DMA_WRITE	_IOW(UVF_VFIO_MAGIC, 7, struct uvf_vfio_dma)
#define UVF_VFIO_DMA_PROBE	_IOWR(UVF_VFIO_MAGIC, 8, struct uvf_vfio_probe)

/* Offsets for mmap() of the channel */
#define UVF_VFIO_MAP_DMA	0ULL			/* plus a DMA address below 1 << 56 */
#define UVF_VFIO_MAP_REGION(r)	((1ULL << 60) | ((__u64)(r) << 40))

#endif /* _UAPI_LINUX_UVF_VFIO_H */
