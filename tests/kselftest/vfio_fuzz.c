// SPDX-License-Identifier: GPL-2.0-only
/*
 * Both sides of a VFIO face at random: sound calls, sound ones with a few bytes wrong, in any
 * order, while either side is killed now and then.
 *
 *	vfio_fuzz SECONDS SEED PCI
 *
 * SEED 0 takes one from the clock. What counts is that the kernel bears it. Exit: 0.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <linux/uvf_vfio.h>
#include <linux/vfio.h>

#define PAGES 64
#define BASE 0x100000ULL

static const char *pci;
static uint64_t seed;
static unsigned long *done; /* shared: calls of either side, and how many were taken */

static uint32_t any(uint32_t n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (seed >> 16) % n;
}

static uint64_t odd(void)
{
	static const uint64_t some[] = { 0, 1, 3, 4, 8, 255, 4095, 4096, 1 << 20, UINT32_MAX,
					 UINT64_MAX, 1ULL << 56, 1ULL << 60, 1ULL << 63 };

	if (!any(3))
		return (uint64_t)any(UINT32_MAX) << any(32);
	return some[any(sizeof(some) / sizeof(*some))];
}

/* Mostly not. */
static void spoil(void *data, size_t size)
{
	while (!any(4))
		((uint8_t *)data)[any(size)] ^= 1 << any(8);
}

static void count(bool taken)
{
	__atomic_add_fetch(&done[0], 1, __ATOMIC_RELAXED);
	if (taken)
		__atomic_add_fetch(&done[1], 1, __ATOMIC_RELAXED);
}

static sigjmp_buf nowhere;

static void on_bus(int signal)
{
	siglongjmp(nowhere, 1);
}

static int any_fd(int own)
{
	static int fds[8];
	unsigned int i = any(8);

	if (!fds[i])
		fds[i] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (!any(3))
		eventfd_write(fds[i], 1);
	return !any(10) ? own : !any(5) ? -1 : fds[i];
}

/* --- the process -------------------------------------------------------------------------- */

static int channel;
static uint8_t *window, *direct;

static void call(unsigned long number, void *data, size_t size)
{
	spoil(data, size);
	count(!ioctl(channel, number, data));
}

static void begin(void)
{
	struct uvf_vfio_select select = { .size = sizeof(select), .flags = any(2) };
	struct uvf_vfio_layout layout = {
		.size = sizeof(layout), .timeout_ms = 1 + any(40), .linger_ms = any(2) * 30,
		.intx = 1, .msi = 4, .msix = 8,
		.region = {
			[0] = { 16384, 3, 0, 4096, 8192 },
			[2] = { .size = 4096, .flags = 7 | any(2) << 3 },
			[7] = { .size = 256, .flags = 3 },
		},
	};

	close(channel);
	channel = open(UVF_VFIO_DEVICE, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	strncpy(select.pci, pci, sizeof(select.pci) - 1);
	if (!any(20))
		spoil(&select, sizeof(select));
	count(!ioctl(channel, UVF_VFIO_SELECT, &select));
	if (!any(10))
		spoil(&layout, sizeof(layout));
	count(!ioctl(channel, UVF_VFIO_SERVE, &layout));
}

static void map_window(void)
{
	if (window)
		munmap(window, PAGES << 12);
	window = mmap(NULL, PAGES << 12, PROT_READ | (any(5) ? PROT_WRITE : 0),
		      any(9) ? MAP_SHARED : MAP_PRIVATE, channel, any(9) ? BASE : odd() & ~4095ULL);
	if (window == MAP_FAILED)
		window = NULL;
	if (direct)
		munmap(direct, 8192);
	direct = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, channel,
		      UVF_VFIO_MAP_REGION(any(9) ? 0 : any(300)) + 4096);
	if (direct == MAP_FAILED)
		direct = NULL;
}

static void touch(void)
{
	volatile uint8_t *at = window + any(PAGES << 12);

	/* Both go with the channel. */
	if (sigsetjmp(nowhere, 1))
		return;
	if (direct && !any(4))
		direct[any(8192)]++;
	if (!window)
		return;
	if (any(2))
		(void)*at;
	else
		*at = any(256);
	if (!any(50))
		mprotect(window, PAGES << 12, PROT_READ | (any(2) ? PROT_WRITE : 0));
}

static void serve_some(void)
{
	struct uvf_vfio_request q[16];
	struct pollfd fd = { .fd = channel, .events = POLLIN };
	ssize_t got;
	int i;

	poll(&fd, 1, any(3));
	got = read(channel, any(30) ? q : NULL, any(30) ? sizeof(q) : odd() % 512);
	count(got > 0);
	for (i = 0; i < got / (ssize_t)sizeof(*q); i++) {
		struct uvf_vfio_reply reply = { q[i].id, any(20) ? 0 : odd(), odd() };

		if (!any(30))
			reply.id = odd();
		if (any(30))
			count(write(channel, &reply, sizeof(reply)) > 0);
	}
}

static void ask_something(void)
{
	struct uvf_vfio_irq irq = { sizeof(irq), any(3), any(9), any(2) };
	struct uvf_vfio_irqfd irqfd = { sizeof(irqfd), any(3), any(9), any_fd(channel) };
	struct uvf_vfio_doorbell bell = {
		.size = sizeof(bell), .flags = any(2), .region = any(2) * 2, .width = 1 << any(4),
		.offset = any(64) * 8, .eventfd = any_fd(channel),
	};
	struct uvf_vfio_dma dma = { sizeof(dma), any(9000), BASE + any(PAGES << 12), 0 };
	struct uvf_vfio_probe probe = { sizeof(probe), any(2), BASE + any(PAGES << 12), odd() };
	struct uvf_vfio_state state = { .size = sizeof(state) };
	static uint8_t room[UVF_VFIO_DMA_MAX * 2];

	dma.data = (uintptr_t)room;
	switch (any(7)) {
	case 0: call(UVF_VFIO_IRQ, &irq, sizeof(irq)); break;
	case 1: call(UVF_VFIO_IRQFD, &irqfd, sizeof(irqfd)); break;
	case 2: call(UVF_VFIO_DOORBELL, &bell, sizeof(bell)); break;
	case 3: call(UVF_VFIO_DMA_READ, &dma, sizeof(dma) - 8); break;
	case 4: call(UVF_VFIO_DMA_WRITE, &dma, sizeof(dma) - 8); break;
	case 5: call(UVF_VFIO_DMA_PROBE, &probe, sizeof(probe)); break;
	case 6: call(UVF_VFIO_GET_STATE, &state, sizeof(state)); break;
	}
}

static void play(void)
{
	signal(SIGBUS, on_bus);
	channel = -1;
	begin();
	map_window();
	for (;;)
		switch (any(200)) {
		case 0: begin(); map_window(); break;
		case 1: map_window(); break;
		case 2 ... 40: touch(); break;
		case 41 ... 80: ask_something(); break;
		default: serve_some();
		}
}

/* --- the user ----------------------------------------------------------------------------- */

static int container, group, device;

static void open_all(void)
{
	char path[128], target[256];
	ssize_t n;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/iommu_group", pci);
	n = readlink(path, target, sizeof(target) - 1);
	if (n < 0)
		exit(0);
	target[n] = 0;
	snprintf(path, sizeof(path), "/dev/vfio/%s", strrchr(target, '/') + 1);
	container = open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC);
	group = open(path, O_RDWR | O_CLOEXEC);
	if (ioctl(group, VFIO_GROUP_SET_CONTAINER, &container) ||
	    ioctl(container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU)) {
		usleep(20000);
		exit(0);
	}
	device = -1;
}

static void set_irqs(void)
{
	struct {
		struct vfio_irq_set set;
		int fd[8];
	} arg = { .set = {
		.argsz = sizeof(arg),
		.flags = 1U << any(3) | 8U << any(3),
		.index = any(5),
		.start = any(8),
		.count = any(3),
	} };
	int i;

	for (i = 0; i < 8; i++)
		arg.fd[i] = any_fd(device);
	spoil(&arg.set, sizeof(arg.set));
	count(!ioctl(device, VFIO_DEVICE_SET_IRQS, &arg));
}

static void go_somewhere(void)
{
	static uint8_t room[512];
	static const uint64_t regions[] = { 0, 0, 0, 2, 7, 7, 8, 100 };
	uint64_t at = regions[any(8)] << 40 | (any(8) ? any(16384) : odd());
	size_t size = any(8) ? 1U << any(4) : any(sizeof(room));

	if (any(2))
		count(pread(device, room, size, at) > 0);
	else
		count(pwrite(device, room, size, at) > 0);
}

/* One thread: two that unmap at once may hang in type 1 itself. */
static void change_memory(void)
{
	static uint8_t *memory;
	uint64_t pages = 1U << any(4), first = any(PAGES / 16) * 16;
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map), .flags = 1 | any(2) << 1, .iova = BASE + (first << 12),
		.size = pages << 12,
	};
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap), .iova = BASE, .size = PAGES << 12,
	};

	if (!memory)
		memory = mmap(NULL, PAGES << 12, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	map.vaddr = (uintptr_t)memory + (first << 12);
	if (any(4))
		count(!ioctl(container, VFIO_IOMMU_MAP_DMA, &map));
	else
		count(!ioctl(container, VFIO_IOMMU_UNMAP_DMA, &unmap));
	if (!any(10))
		madvise(memory, PAGES << 12, MADV_DONTNEED);
	memory[any(PAGES << 12)]++;
}

static void ask_region(void)
{
	struct vfio_region_info info = { .argsz = any(3) ? sizeof(info) : odd(), .index = any(10) };
	struct vfio_irq_info irq = { .argsz = any(3) ? sizeof(irq) : odd(), .index = any(7) };

	count(!ioctl(device, VFIO_DEVICE_GET_REGION_INFO, &info));
	count(!ioctl(device, VFIO_DEVICE_GET_IRQ_INFO, &irq));
}

static void map_direct(void)
{
	uint8_t *at = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, device,
			   any(5) ? 4096 : odd() & ~4095ULL);

	count(at != MAP_FAILED);
	if (at != MAP_FAILED) {
		at[any(8192)]++;
		munmap(at, 8192);
	}
}

static void use(void)
{
	signal(SIGBUS, on_bus);
	if (sigsetjmp(nowhere, 1))
		exit(0);
	open_all();
	for (;;) {
		if (device < 0)
			device = ioctl(group, VFIO_GROUP_GET_DEVICE_FD, pci);
		switch (any(100)) {
		case 0: close(device); device = -1; break;
		case 1: count(!ioctl(device, VFIO_DEVICE_RESET)); break;
		case 2 ... 5: map_direct(); break;
		case 6 ... 10: ask_region(); break;
		case 11 ... 30: set_irqs(); break;
		case 31 ... 60: change_memory(); break;
		default: go_somewhere();
		}
	}
}

/* --- both --------------------------------------------------------------------------------- */

static pid_t start(void (*what)(void))
{
	uint64_t next = (uint64_t)any(UINT32_MAX) << 32 | any(UINT32_MAX) | 1;
	pid_t pid = fork();

	if (!pid) {
		seed = next;
		what();
	}
	return pid;
}

static void watch(time_t end)
{
	void (*const what[])(void) = { play, play, use };
	pid_t pid[3] = { 0 };
	unsigned long deaths = 0;
	int i;

	while (time(NULL) < end) {
		for (i = 0; i < 3; i++) {
			if (pid[i] && waitpid(pid[i], NULL, WNOHANG) == pid[i])
				pid[i] = 0;
			if (!pid[i])
				pid[i] = start(what[i]);
		}
		usleep(1000 * any(200));
		i = any(6);
		if (i < 3) {
			kill(pid[i], SIGKILL);
			deaths++;
		}
	}
	for (i = 0; i < 3; i++) {
		kill(pid[i], SIGKILL);
		waitpid(pid[i], NULL, 0);
	}
	printf("%lu calls, %lu taken, %lu deaths\n", done[0], done[1], deaths);
}

int main(int argc, char **argv)
{
	if (argc != 4)
		return 2;
	seed = strtoull(argv[2], NULL, 0) ?: (uint64_t)time(NULL);
	pci = argv[3];
	printf("seed %llu\n", (unsigned long long)seed);
	fflush(stdout);
	seed = seed * 0x9e3779b97f4a7c15ULL | 1;
	done = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	watch(time(NULL) + atoi(argv[1]));
	/* Neither side alone does much: somebody must have been heard. */
	return done[1] ? 0 : 1;
}
