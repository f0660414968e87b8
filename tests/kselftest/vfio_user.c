// SPDX-License-Identifier: GPL-2.0-only
/*
 * A user of a VFIO device, which does what it is told and prints what comes of it, a line each.
 *
 *	vfio_user PCI [WORD…]		WORDs of a command are one argument: 'read 7 0 4'
 *
 *	info				regions, interrupts, reset
 *	region N			its size, what may be done, what may be mapped
 *	irq N				how many, and how
 *	read REGION OFFSET WIDTH	the value; write REGION OFFSET WIDTH VALUE
 *	bulk REGION OFFSET COUNT	reads so much at once: how much came, and the sum of its
 *					bytes
 *	listen INDEX FIRST COUNT	an eventfd for each; off INDEX
 *	told INDEX VECTOR [MS]		waits for it (2000 ms): how often it came; 0: not
 *	mask, unmask, unmaskfd		of INTx; unmaskfd: by an eventfd, which is then written to
 *	loop INDEX VECTOR		raised by ourselves
 *	map ADDRESS SIZE [ro]		fresh memory, mapped for DMA; unmap ADDRESS SIZE
 *	fill ADDRESS COUNT BYTE		check ADDRESS COUNT BYTE
 *	mmap REGION OFFSET SIZE		and then peek OFFSET, poke OFFSET VALUE there
 *	reset
 *	time WORD…			does it: how long that took, in ms, comes last
 *	threads N REGION OFFSET COUNT	N threads read it COUNT times
 *	hostile				what must be refused, each with its errno
 *	churn ADDRESS COUNT		maps, has the device touch and unmaps, COUNT times
 *	touch FILE, await FILE, sleep MS, again (closes and opens)
 *
 * A refusal is printed as its errno: "! EINVAL". Exit: 0; 1 when the device could not be opened; 2.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "vfio_open.h"

#define MAPPINGS 16
#define VECTORS 64

static struct vfio_use use;
static int events[VFIO_PCI_NUM_IRQS][VECTORS];
static volatile uint32_t *mapped;

static struct mapping {
	uint64_t at, size;
	uint8_t *memory;
} mappings[MAPPINGS];

static void refused(void)
{
	printf("! %s\n", strerrorname_np(errno));
}

static void usage(const char *command)
{
	fprintf(stderr, "vfio_user: '%s' is not known, or lacks something\n", command);
	exit(2);
}

/* --- what there is ------------------------------------------------------------------------ */

static void info(void)
{
	struct vfio_device_info info = { .argsz = sizeof(info) };

	if (ioctl(use.device, VFIO_DEVICE_GET_INFO, &info))
		refused();
	else
		printf("regions %u irqs %u%s%s\n", info.num_regions, info.num_irqs,
		       info.flags & VFIO_DEVICE_FLAGS_PCI ? " pci" : "",
		       info.flags & VFIO_DEVICE_FLAGS_RESET ? " reset" : "");
}

static void region(uint32_t index)
{
	union {
		struct vfio_region_info info;
		char room[256];
	} u = { .info = { .argsz = sizeof(u), .index = index } };
	struct vfio_region_info_cap_sparse_mmap *sparse;

	if (ioctl(use.device, VFIO_DEVICE_GET_REGION_INFO, &u)) {
		refused();
		return;
	}
	printf("size %llu%s%s%s", (unsigned long long)u.info.size,
	       u.info.flags & VFIO_REGION_INFO_FLAG_READ ? " read" : "",
	       u.info.flags & VFIO_REGION_INFO_FLAG_WRITE ? " write" : "",
	       u.info.flags & VFIO_REGION_INFO_FLAG_MMAP ? " mmap" : "");
	sparse = (void *)(u.room + u.info.cap_offset);
	if (u.info.flags & VFIO_REGION_INFO_FLAG_CAPS &&
	    sparse->header.id == VFIO_REGION_INFO_CAP_SPARSE_MMAP)
		printf(" %#llx+%#llx", (unsigned long long)sparse->areas[0].offset,
		       (unsigned long long)sparse->areas[0].size);
	printf("\n");
}

static void irq(uint32_t index)
{
	struct vfio_irq_info info = { .argsz = sizeof(info), .index = index };

	if (ioctl(use.device, VFIO_DEVICE_GET_IRQ_INFO, &info))
		refused();
	else
		printf("count %u%s%s%s\n", info.count,
		       info.flags & VFIO_IRQ_INFO_EVENTFD ? " eventfd" : "",
		       info.flags & VFIO_IRQ_INFO_MASKABLE ? " maskable" : "",
		       info.flags & VFIO_IRQ_INFO_AUTOMASKED ? " automasked" : "");
}

/* --- accesses ----------------------------------------------------------------------------- */

static void read_value(uint64_t region, uint64_t offset, uint64_t width)
{
	uint64_t value = 0;

	if (pread(use.device, &value, width, vfio_place(region, offset)) != (ssize_t)width)
		refused();
	else
		printf("%#llx\n", (unsigned long long)value);
}

static bool write_value(uint64_t region, uint64_t offset, uint64_t width, uint64_t value)
{
	return pwrite(use.device, &value, width, vfio_place(region, offset)) == (ssize_t)width;
}

static void bulk(uint64_t region, uint64_t offset, uint64_t count)
{
	uint8_t *bytes = calloc(1, count);
	unsigned long sum = 0;
	ssize_t got;

	errno = 0;
	got = pread(use.device, bytes, count, vfio_place(region, offset));
	if (got < 0) {
		refused();
	} else {
		for (ssize_t i = 0; i < got; i++)
			sum += bytes[i];
		printf("%zd bytes, sum %lu\n", got, sum);
	}
	free(bytes);
}

static void *reader(void *arg)
{
	const uint64_t *a = arg;
	uint32_t value, first = 0;
	uint64_t i;

	for (i = 0; i < a[2]; i++) {
		if (pread(use.device, &value, 4, vfio_place(a[0], a[1])) != 4)
			return "failed";
		if (!i)
			first = value;
		if (value != first)
			return "differs";
	}
	return NULL;
}

static void threads(uint64_t n, uint64_t *a)
{
	pthread_t thread[64];
	const char *bad = NULL;
	uint64_t i;

	for (i = 0; i < n && i < 64; i++)
		pthread_create(&thread[i], NULL, reader, a);
	while (i--) {
		void *result;

		pthread_join(thread[i], &result);
		if (result)
			bad = result;
	}
	printf("%s\n", bad ?: "all the same");
}

/* --- interrupts --------------------------------------------------------------------------- */

static int set_irqs(uint32_t flags, uint32_t index, uint32_t start, uint32_t count,
		    const void *data, size_t size)
{
	char room[sizeof(struct vfio_irq_set) + VECTORS * sizeof(int)];
	struct vfio_irq_set *set = (void *)room;

	set->argsz = sizeof(*set) + size;
	set->flags = flags;
	set->index = index;
	set->start = start;
	set->count = count;
	if (size)
		memcpy(set->data, data, size);
	return ioctl(use.device, VFIO_DEVICE_SET_IRQS, set);
}

static bool listen_to(uint32_t index, uint32_t first, uint32_t count)
{
	uint32_t i;

	for (i = first; i < first + count; i++)
		if (!events[index][i])
			events[index][i] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	return !set_irqs(VFIO_IRQ_SET_ACTION_TRIGGER | VFIO_IRQ_SET_DATA_EVENTFD, index, first,
			 count, &events[index][first], count * sizeof(int));
}

static void told(uint32_t index, uint32_t vector, int ms)
{
	struct pollfd fd = { .fd = events[index][vector], .events = POLLIN };
	eventfd_t count = 0;

	if (poll(&fd, 1, ms) > 0)
		eventfd_read(fd.fd, &count);
	printf("%llu\n", (unsigned long long)count);
}

static bool unmask_by_eventfd(void)
{
	int fd = eventfd(0, EFD_CLOEXEC);

	return !set_irqs(VFIO_IRQ_SET_ACTION_UNMASK | VFIO_IRQ_SET_DATA_EVENTFD,
			 VFIO_PCI_INTX_IRQ_INDEX, 0, 1, &fd, sizeof(fd)) && !eventfd_write(fd, 1);
}

static bool of_intx(uint32_t action)
{
	return !set_irqs(action | VFIO_IRQ_SET_DATA_NONE, VFIO_PCI_INTX_IRQ_INDEX, 0, 1, NULL, 0);
}

/* --- memory ------------------------------------------------------------------------------- */

static bool map(uint64_t at, uint64_t size, bool ro)
{
	struct vfio_iommu_type1_dma_map arg = {
		.argsz = sizeof(arg),
		.flags = VFIO_DMA_MAP_FLAG_READ | (ro ? 0 : VFIO_DMA_MAP_FLAG_WRITE),
		.iova = at,
		.size = size,
	};
	struct mapping *m = mappings;

	while (m < mappings + MAPPINGS - 1 && m->memory)
		m++;
	m->memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	m->at = at;
	m->size = size;
	arg.vaddr = (uintptr_t)m->memory;
	return !ioctl(use.container, VFIO_IOMMU_MAP_DMA, &arg);
}

static bool unmap(uint64_t at, uint64_t size)
{
	struct vfio_iommu_type1_dma_unmap arg = { .argsz = sizeof(arg), .iova = at, .size = size };
	struct mapping *m;

	if (ioctl(use.container, VFIO_IOMMU_UNMAP_DMA, &arg) || arg.size != size)
		return false;
	for (m = mappings; m < mappings + MAPPINGS; m++)
		if (m->memory && m->at == at) {
			munmap(m->memory, m->size);
			m->memory = NULL;
		}
	return true;
}

static uint8_t *memory_at(uint64_t at)
{
	struct mapping *m;

	for (m = mappings; m < mappings + MAPPINGS; m++)
		if (m->memory && at >= m->at && at - m->at < m->size)
			return m->memory + (at - m->at);
	usage("an address");
	return NULL;
}

static void check(uint64_t at, uint64_t count, uint8_t byte)
{
	const uint8_t *memory = memory_at(at);
	uint64_t i;

	for (i = 0; i < count; i++)
		if (memory[i] != byte) {
			printf("differs at %llu\n", (unsigned long long)i);
			return;
		}
	printf("as expected\n");
}

/* The device reads and writes what comes and goes. */
static void churn(uint64_t at, uint64_t count)
{
	uint32_t result;
	uint64_t i;

	for (i = 0; i < count; i++) {
		if (!map(at, 16 << 12, false))
			break;
		memset(memory_at(at), i, 16 << 12);
		write_value(0, 0x10, 4, at + 8);
		write_value(0, 0x14, 4, at >> 32);
		write_value(0, 0x18, 4, at + (8 << 12) + 8);
		write_value(0, 0x1c, 4, at >> 32);
		write_value(0, 0x20, 4, 7 << 12);
		write_value(0, 0x24, 4, 1 + i % 2);
		if (pread(use.device, &result, 4, vfio_place(0, 0x28)) != 4 || result)
			break;
		if (!unmap(at, 16 << 12))
			break;
	}
	if (i == count)
		printf("%llu times\n", (unsigned long long)count);
	else
		printf("failed at %llu\n", (unsigned long long)i);
}

/* --- what must be refused ----------------------------------------------------------------- */

static void expect(const char *what, int status, int error)
{
	if (status >= 0 || errno != error)
		printf("%s: %s instead of %s\n", what, status < 0 ? strerrorname_np(errno) : "taken",
		       strerrorname_np(error));
}

static void hostile_info(void)
{
	struct vfio_device_info info = { .argsz = 8 };
	struct vfio_region_info region = { .argsz = 8 };
	struct vfio_irq_info irq = { .argsz = sizeof(irq), .index = 5 };

	expect("info, short", ioctl(use.device, VFIO_DEVICE_GET_INFO, &info), EINVAL);
	expect("info, nowhere", ioctl(use.device, VFIO_DEVICE_GET_INFO, NULL), EFAULT);
	expect("region, short", ioctl(use.device, VFIO_DEVICE_GET_REGION_INFO, &region), EINVAL);
	region.argsz = sizeof(region);
	region.index = 9;
	expect("region 9", ioctl(use.device, VFIO_DEVICE_GET_REGION_INFO, &region), EINVAL);
	region.index = UINT32_MAX;
	expect("region -1", ioctl(use.device, VFIO_DEVICE_GET_REGION_INFO, &region), EINVAL);
	expect("irq 5", ioctl(use.device, VFIO_DEVICE_GET_IRQ_INFO, &irq), EINVAL);
	irq.index = 0;
	irq.argsz = 4;
	expect("irq, short", ioctl(use.device, VFIO_DEVICE_GET_IRQ_INFO, &irq), EINVAL);
	expect("unknown", ioctl(use.device, VFIO_DEVICE_QUERY_GFX_PLANE, &irq), ENOTTY);
}

static void hostile_irqs(void)
{
	const uint32_t trigger = VFIO_IRQ_SET_ACTION_TRIGGER;
	int none[VECTORS], file = open("/dev/null", O_RDWR | O_CLOEXEC);
	uint32_t index;

	memset(none, 0xff, sizeof(none));
	for (index = 3; index < 12; index += index == 3 ? 2 : 1)
		expect("irqs, index", set_irqs(trigger | VFIO_IRQ_SET_DATA_EVENTFD, index, 0, 1,
					       none, 4), EINVAL);
	expect("irqs, count", set_irqs(trigger | VFIO_IRQ_SET_DATA_EVENTFD, 2, 0, 5, none, 20),
	       EINVAL);
	expect("irqs, start", set_irqs(trigger | VFIO_IRQ_SET_DATA_EVENTFD, 2, 4, 1, none, 4), EINVAL);
	expect("irqs, wrapping", set_irqs(trigger | VFIO_IRQ_SET_DATA_EVENTFD, 2, UINT32_MAX, 2,
					  none, 8), EINVAL);
	expect("irqs, short", set_irqs(trigger | VFIO_IRQ_SET_DATA_EVENTFD, 2, 0, 4, none, 4), EINVAL);
	expect("irqs, two actions", set_irqs(trigger | VFIO_IRQ_SET_ACTION_MASK |
					     VFIO_IRQ_SET_DATA_NONE, 0, 0, 1, NULL, 0), EINVAL);
	expect("irqs, no data", set_irqs(trigger, 0, 0, 1, NULL, 0), EINVAL);
	expect("MSI-X masked", set_irqs(VFIO_IRQ_SET_ACTION_MASK | VFIO_IRQ_SET_DATA_NONE, 2, 0, 1,
					NULL, 0), EINVAL);
	expect("INTx masked by eventfd",
	       set_irqs(VFIO_IRQ_SET_ACTION_MASK | VFIO_IRQ_SET_DATA_EVENTFD, 0, 0, 1, none, 4),
	       EINVAL);
	expect("no eventfd", set_irqs(trigger | VFIO_IRQ_SET_DATA_EVENTFD, 2, 0, 1, &file, 4), EINVAL);
	none[0] = 9999;
	expect("closed", set_irqs(trigger | VFIO_IRQ_SET_DATA_EVENTFD, 2, 0, 1, none, 4), EBADF);
	close(file);
}

static void hostile_access(void)
{
	static char room[16], *volatile bad = (char *)8;
	static const off_t nowhere[] = {
		16384, 1LL << 40, 5LL << 40, 8LL << 40, 9LL << 40, 255LL << 40, INT64_MAX - 8,
		(7LL << 40) + 256, (2LL << 40) + 256,
	};
	unsigned int i;

	for (i = 0; i < sizeof(nowhere) / sizeof(*nowhere); i++) {
		expect("read nowhere", pread(use.device, room, 4, nowhere[i]), EINVAL);
		expect("write nowhere", pwrite(use.device, room, 4, nowhere[i]), EINVAL);
	}
	expect("ROM written", pwrite(use.device, room, 4, 6LL << 40), EINVAL);
	expect("read to nowhere", pread(use.device, bad, 4, 0), EFAULT);
	expect("write from nowhere", pwrite(use.device, bad, 4, 0), EFAULT);
	if (pread(use.device, room, 16, (7LL << 40) + 252) != 4)
		printf("read over the end\n");
}

static void hostile_mmap(void)
{
	static const struct {
		size_t size;
		off_t at;
		int flags;
	} bad[] = {
		{ 4096, 0, MAP_SHARED }, { 8192, 0x2000, MAP_SHARED }, { 8192, 0x1000, MAP_SHARED },
		{ 4096, 0x3000, MAP_SHARED }, { 4096, 2LL << 40, MAP_SHARED },
		{ 4096, 7LL << 40, MAP_SHARED }, { 4096, 9LL << 40, MAP_SHARED },
		{ 4096, 1LL << 62, MAP_SHARED }, { 4096, 0x2000, MAP_PRIVATE },
	};
	unsigned int i;

	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		expect("mmap", mmap(NULL, bad[i].size, PROT_READ, bad[i].flags, use.device, bad[i].at) ==
			       MAP_FAILED ? -1 : 0, EINVAL);
}

static void hostile(void)
{
	hostile_info();
	hostile_irqs();
	hostile_access();
	hostile_mmap();
	printf("looked at\n");
}

/* --- being told --------------------------------------------------------------------------- */

static void done(bool well)
{
	if (well)
		printf("done\n");
	else
		refused();
}

static void await(const char *file)
{
	int i;

	for (i = 0; i < 6000 && access(file, F_OK); i++)
		usleep(10000);
	done(i < 6000);
}

static void map_region(uint64_t region, uint64_t offset, uint64_t size)
{
	mapped = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, use.device,
		      vfio_place(region, offset));
	done(mapped != MAP_FAILED);
}

/* Words with a file, or with nothing. */
static bool do_plain(const char *word, const char *rest)
{
	if (!strcmp(word, "info"))
		info();
	else if (!strcmp(word, "mask"))
		done(of_intx(VFIO_IRQ_SET_ACTION_MASK));
	else if (!strcmp(word, "unmask"))
		done(of_intx(VFIO_IRQ_SET_ACTION_UNMASK));
	else if (!strcmp(word, "unmaskfd"))
		done(unmask_by_eventfd());
	else if (!strcmp(word, "reset"))
		done(!ioctl(use.device, VFIO_DEVICE_RESET));
	else if (!strcmp(word, "hostile"))
		hostile();
	else if (!strcmp(word, "touch"))
		done(close(open(rest, O_CREAT | O_WRONLY, 0600)) == 0);
	else if (!strcmp(word, "await"))
		await(rest);
	else if (!strcmp(word, "again"))
		done(!close(use.device) && (vfio_open_device(&use), true));
	else
		return false;
	return true;
}

static bool do_access(const char *word, uint64_t *a)
{
	if (!strcmp(word, "region"))
		region(a[0]);
	else if (!strcmp(word, "irq"))
		irq(a[0]);
	else if (!strcmp(word, "read"))
		read_value(a[0], a[1], a[2]);
	else if (!strcmp(word, "write"))
		done(write_value(a[0], a[1], a[2], a[3]));
	else if (!strcmp(word, "bulk"))
		bulk(a[0], a[1], a[2]);
	else if (!strcmp(word, "mmap"))
		map_region(a[0], a[1], a[2]);
	else if (!strcmp(word, "peek"))
		printf("%#x\n", mapped[a[0] / 4]);
	else if (!strcmp(word, "poke"))
		mapped[a[0] / 4] = a[1], done(true);
	else if (!strcmp(word, "threads"))
		threads(a[0], a + 1);
	else
		return false;
	return true;
}

static bool do_rest(const char *word, uint64_t *a, bool ro)
{
	if (!strcmp(word, "listen"))
		done(listen_to(a[0], a[1], a[2]));
	else if (!strcmp(word, "off"))
		done(!set_irqs(VFIO_IRQ_SET_ACTION_TRIGGER | VFIO_IRQ_SET_DATA_NONE, a[0], 0, 0,
			       NULL, 0));
	else if (!strcmp(word, "loop"))
		done(!set_irqs(VFIO_IRQ_SET_ACTION_TRIGGER | VFIO_IRQ_SET_DATA_NONE, a[0], a[1], 1,
			       NULL, 0));
	else if (!strcmp(word, "told"))
		told(a[0], a[1], a[2] ?: 2000);
	else if (!strcmp(word, "map"))
		done(map(a[0], a[1], ro));
	else if (!strcmp(word, "unmap"))
		done(unmap(a[0], a[1]));
	else if (!strcmp(word, "fill"))
		memset(memory_at(a[0]), a[2], a[1]), done(true);
	else if (!strcmp(word, "check"))
		check(a[0], a[1], a[2]);
	else if (!strcmp(word, "churn"))
		churn(a[0], a[1]);
	else if (!strcmp(word, "sleep"))
		usleep(a[0] * 1000), done(true);
	else
		return false;
	return true;
}

static void obey(const char *command)
{
	char word[32] = "", rest[256] = "";
	uint64_t a[4] = { 0 };
	struct timespec t[2];
	char *at = rest;
	int i;

	if (!strncmp(command, "time ", 5)) {
		clock_gettime(CLOCK_MONOTONIC, &t[0]);
		obey(command + 5);
		clock_gettime(CLOCK_MONOTONIC, &t[1]);
		printf("%lld ms\n", (t[1].tv_sec - t[0].tv_sec) * 1000LL +
				    (t[1].tv_nsec - t[0].tv_nsec) / 1000000);
		return;
	}
	if (sscanf(command, "%31s %255[^\n]", word, rest) < 1)
		usage(command);
	for (i = 0; i < 4; i++)
		a[i] = strtoull(at, &at, 0);
	if (!do_plain(word, rest) && !do_access(word, a) && !do_rest(word, a, strstr(rest, "ro")))
		usage(command);
}

int main(int argc, char **argv)
{
	int i;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc < 2)
		usage("");
	use.address = argv[1];
	vfio_open_group(&use);
	vfio_open_device(&use);
	for (i = 2; i < argc; i++)
		obey(argv[i]);
	return 0;
}
