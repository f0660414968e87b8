// SPDX-License-Identifier: GPL-2.0-only
/*
 * What /dev/uvf-vfio must refuse, each with its errno. Nobody serves the function meanwhile.
 *
 *	vfio_hostile PCI
 *
 * "looked at" at the end; before, a line for each that came out otherwise.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/uvf_vfio.h>
#include <linux/vfio.h>

#define READ UVF_VFIO_REGION_READ
#define BOTH (UVF_VFIO_REGION_READ | UVF_VFIO_REGION_WRITE)

static const char *pci;

static const struct uvf_vfio_layout sound = {
	.size = sizeof(sound),
	.timeout_ms = 100,
	.intx = 1,
	.msi = 1,
	.msix = 2,
	.region = {
		[0] = { .size = 65536, .flags = BOTH, .direct_offset = 8192, .direct_size = 4096 },
		[1] = { .size = 256, .flags = READ },
		[7] = { .size = 256, .flags = BOTH },
	},
};

static void expect(const char *what, long status, int error)
{
	if (error ? status >= 0 || errno != error : status < 0)
		printf("%s: %s instead of %s\n", what, status < 0 ? strerrorname_np(errno) : "taken",
		       error ? strerrorname_np(error) : "taken");
}

static int channel_open(void)
{
	int fd = open(UVF_VFIO_DEVICE, O_RDWR | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0) {
		perror(UVF_VFIO_DEVICE);
		exit(1);
	}
	return fd;
}

/* Is a mapping taken? */
static int try_map(int fd, size_t size, int flags, uint64_t at)
{
	return mmap(NULL, size, PROT_READ, flags, fd, at) == MAP_FAILED ? -1 : 0;
}

static int choose(int fd, const char *name, uint32_t flags)
{
	struct uvf_vfio_select select = { .size = sizeof(select), .flags = flags };

	memcpy(select.pci, name, strnlen(name, sizeof(select.pci)));
	return ioctl(fd, UVF_VFIO_SELECT, &select);
}

static int serve(int fd, const struct uvf_vfio_layout *layout)
{
	return ioctl(fd, UVF_VFIO_SERVE, layout);
}

/* --- before it serves --------------------------------------------------------------------- */

static void before(void)
{
	struct uvf_vfio_irq irq = { .size = sizeof(irq), .index = 2 };
	struct uvf_vfio_reply reply = {};
	struct uvf_vfio_request request;
	int fd = channel_open();

	expect("read unselected", read(fd, &request, sizeof(request)), ENOTCONN);
	expect("write unselected", write(fd, &reply, sizeof(reply)), ENOTCONN);
	expect("irq unselected", ioctl(fd, UVF_VFIO_IRQ, &irq), ENOTCONN);
	expect("serve unselected", serve(fd, &sound), ENOTCONN);
	expect("mmap unselected", try_map(fd, 4096, MAP_SHARED, 0), ENOTCONN);
	expect("no such function", choose(fd, "10000:ff:1f.7", 0), ENODEV);
	expect("another's device", choose(fd, "0000:00:00.0", 0), ENODEV);
	expect("a name without an end", choose(fd, "10000:00:00.0xxxxxxxxxxxxxxxxx", 0), EINVAL);
	expect("an unknown flag", choose(fd, pci, 2), EINVAL);
	expect("select", choose(fd, pci, 0), 0);
	expect("select twice", choose(fd, pci, UVF_VFIO_SELECT_TAKE_OVER), EBUSY);
	expect("read unserved", read(fd, &request, sizeof(request)), ENOTCONN);
	expect("irq unserved", ioctl(fd, UVF_VFIO_IRQ, &irq), ENOTCONN);
	close(fd);
}

/* --- sizes and numbers -------------------------------------------------------------------- */

static void numbers(void)
{
	struct {
		struct uvf_vfio_select select;
		uint32_t more;
	} big = { .select = { .size = sizeof(big) }, .more = 1 };
	int fd = channel_open();

	strncpy(big.select.pci, pci, sizeof(big.select.pci) - 1);
	expect("more than is known", ioctl(fd, UVF_VFIO_SELECT, &big), E2BIG);
	big.select.size = sizeof(big.select) - 1;
	expect("too short", ioctl(fd, UVF_VFIO_SELECT, &big), EINVAL);
	big.select.size = 0;
	expect("no size", ioctl(fd, UVF_VFIO_SELECT, &big), EINVAL);
	big.select.size = UINT32_MAX;
	expect("a huge size", ioctl(fd, UVF_VFIO_SELECT, &big), E2BIG);
	expect("nowhere", ioctl(fd, UVF_VFIO_SELECT, NULL), EFAULT);
	expect("an unknown number", ioctl(fd, _IOW(UVF_VFIO_MAGIC, 99, uint32_t), &big), ENOTTY);
	expect("another's number", ioctl(fd, VFIO_GET_API_VERSION, &big), ENOTTY);
	expect("a long one", ioctl(fd, _IOW(UVF_VFIO_MAGIC, 0, char[4000]), &big), ENOTTY);
	big.select.size = sizeof(big);
	big.more = 0;
	expect("more, but zeroes", ioctl(fd, UVF_VFIO_SELECT, &big), 0);
	close(fd);
}

/* --- layouts ------------------------------------------------------------------------------ */

#define BAD(name, ...)                                                                             \
	do {                                                                                       \
		struct uvf_vfio_layout bad = sound;                                                \
		__VA_ARGS__;                                                                       \
		expect("layout: " name, serve(fd, &bad), EINVAL);                                  \
	} while (0)

static void layout_regions(int fd)
{
	BAD("BAR, no power of two", bad.region[0].size = 65537);
	BAD("BAR too small", bad.region[1].size = 8);
	BAD("BAR too large", bad.region[1].size = 1ULL << 33);
	BAD("BAR without access", bad.region[1].flags = 0);
	BAD("BAR, unknown flag", bad.region[1].flags = 1U << 31);
	BAD("BAR, reserved", bad.region[1].reserved = 1);
	BAD("BAR, posted, not to be written", bad.region[1].flags = READ | UVF_VFIO_REGION_POSTED);
	BAD("no BAR, but flags", bad.region[2].flags = READ);
	BAD("no BAR, but direct", bad.region[2].direct_size = 4096);
	BAD("ROM too small", bad.region[6].size = 1024; bad.region[6].flags = READ);
	BAD("ROM to be written", bad.region[6].size = 2048; bad.region[6].flags = BOTH);
	BAD("ROM direct", bad.region[6].size = 4096; bad.region[6].flags = READ;
	    bad.region[6].direct_size = 4096);
	BAD("no config space", memset(&bad.region[7], 0, sizeof(bad.region[7])));
	BAD("config space of another size", bad.region[7].size = 512);
	BAD("config space to be read only", bad.region[7].flags = READ);
	BAD("config space wide", bad.region[7].flags = BOTH | UVF_VFIO_REGION_WIDE);
	BAD("config space posted", bad.region[7].flags = BOTH | UVF_VFIO_REGION_POSTED);
	BAD("VGA", bad.region[8].size = 65536; bad.region[8].flags = BOTH);
}

static void layout_rest(int fd)
{
	BAD("direct, odd offset", bad.region[0].direct_offset = 8193);
	BAD("direct, odd size", bad.region[0].direct_size = 100);
	BAD("direct beyond the BAR", bad.region[0].direct_offset = 65536);
	BAD("direct over its end", bad.region[0].direct_size = 65536);
	BAD("direct, wrapping", bad.region[0].direct_offset = UINT64_MAX - 4095);
	BAD("direct, huge", bad.region[0].direct_size = UINT64_MAX - 4095);
	BAD("direct, larger than the BAR", bad.region[1].direct_size = 4096);
	BAD("too much direct", bad.region[0].size = 1 << 23; bad.region[0].direct_offset = 0;
	    bad.region[0].direct_size = UVF_VFIO_DIRECT_MAX; bad.region[1].size = 4096;
	    bad.region[1].direct_size = 4096);
	BAD("no time", bad.timeout_ms = 0);
	BAD("too much time", bad.timeout_ms = UVF_VFIO_TIMEOUT_MAX + 1);
	BAD("lingering for ever", bad.linger_ms = UINT32_MAX);
	BAD("two pins", bad.intx = 2);
	BAD("MSI", bad.msi = UVF_VFIO_MSI_MAX + 1);
	BAD("MSI-X", bad.msix = UVF_VFIO_MSIX_MAX + 1);
	BAD("flags", bad.flags = 1);
	BAD("reserved", bad.reserved = 1);
}

/* --- while it serves ---------------------------------------------------------------------- */

static void messages(int fd)
{
	struct uvf_vfio_reply replies[40] = { { 77, 0, 0 }, { UINT32_MAX, UINT32_MAX, 0 } };
	struct uvf_vfio_request request;

	expect("read less than one", read(fd, &request, sizeof(request) - 1), EINVAL);
	expect("read nothing", read(fd, &request, sizeof(request)), EAGAIN);
	expect("write less than one", write(fd, replies, sizeof(*replies) - 1), EINVAL);
	expect("write one and a half", write(fd, replies, 24), EINVAL);
	expect("write none", write(fd, replies, 0), EINVAL);
	expect("write from nowhere", write(fd, (void *)4096, 4 * sizeof(*replies)), EFAULT);
	if (write(fd, replies, sizeof(replies)) != sizeof(replies))
		printf("replies to nothing are refused\n");
}

static void vectors(int fd)
{
	struct uvf_vfio_irq irq = { sizeof(irq), 2, 1, 1 };
	struct uvf_vfio_irqfd irqfd = { sizeof(irqfd), 2, 0, fd };

	expect("irq", ioctl(fd, UVF_VFIO_IRQ, &irq), 0);
	irq.vector = 2;
	expect("irq, vector", ioctl(fd, UVF_VFIO_IRQ, &irq), EINVAL);
	irq.vector = UINT32_MAX;
	expect("irq, vector -1", ioctl(fd, UVF_VFIO_IRQ, &irq), EINVAL);
	irq.vector = 0;
	irq.index = 4;
	expect("irq, not the device's", ioctl(fd, UVF_VFIO_IRQ, &irq), EINVAL);
	irq.index = UINT32_MAX;
	expect("irq, index -1", ioctl(fd, UVF_VFIO_IRQ, &irq), EINVAL);
	irq.index = 0;
	irq.level = 2;
	expect("irq, level", ioctl(fd, UVF_VFIO_IRQ, &irq), EINVAL);
	expect("irqfd, no eventfd", ioctl(fd, UVF_VFIO_IRQFD, &irqfd), EINVAL);
	irqfd.eventfd = 9999;
	expect("irqfd, closed", ioctl(fd, UVF_VFIO_IRQFD, &irqfd), EBADF);
	irqfd.eventfd = -1;
	expect("irqfd, none", ioctl(fd, UVF_VFIO_IRQFD, &irqfd), 0);
	irqfd.vector = 99;
	expect("irqfd, vector", ioctl(fd, UVF_VFIO_IRQFD, &irqfd), EINVAL);
}

static int bell(int fd, struct uvf_vfio_doorbell bell)
{
	bell.size = sizeof(bell);
	return ioctl(fd, UVF_VFIO_DOORBELL, &bell);
}

#define BELL(...) bell(fd, (struct uvf_vfio_doorbell){ __VA_ARGS__ })

static void doorbells(int fd)
{
	int e = eventfd(0, 0), i, status = 0;

	expect("doorbell, region", BELL(.region = 9, .width = 4, .eventfd = e), EINVAL);
	expect("doorbell, config space", BELL(.region = 7, .width = 4, .eventfd = e), EINVAL);
	expect("doorbell, to be read only", BELL(.region = 1, .width = 4, .eventfd = e), EINVAL);
	expect("doorbell, no region", BELL(.region = 3, .width = 4, .eventfd = e), EINVAL);
	expect("doorbell, no width", BELL(.width = 0, .eventfd = e), EINVAL);
	expect("doorbell, width 3", BELL(.width = 3, .eventfd = e), EINVAL);
	expect("doorbell, too wide", BELL(.width = 8, .eventfd = e), EINVAL);
	expect("doorbell, odd", BELL(.width = 4, .offset = 2, .eventfd = e), EINVAL);
	expect("doorbell, beyond", BELL(.width = 4, .offset = 65536, .eventfd = e), EINVAL);
	expect("doorbell, direct", BELL(.width = 4, .offset = 8192, .eventfd = e), EINVAL);
	expect("doorbell, flags", BELL(.width = 4, .flags = 2, .eventfd = e), EINVAL);
	expect("doorbell, a value for all", BELL(.width = 4, .value = 1, .eventfd = e), EINVAL);
	expect("doorbell, a value too wide", BELL(.width = 1, .flags = 1, .value = 256, .eventfd = e),
	       EINVAL);
	expect("doorbell, reserved", BELL(.width = 4, .reserved = 1, .eventfd = e), EINVAL);
	expect("doorbell, no eventfd", BELL(.width = 4, .eventfd = fd), EINVAL);
	expect("doorbell, there is none", BELL(.width = 4, .eventfd = -1), ENOENT);
	expect("doorbell", BELL(.width = 4, .eventfd = e), 0);
	expect("doorbell, twice", BELL(.width = 4, .eventfd = e), EBUSY);
	expect("doorbell, off", BELL(.width = 4, .eventfd = -1), 0);
	for (i = 0; i <= UVF_VFIO_DOORBELLS_MAX && !status; i++)
		status = BELL(.width = 4, .offset = 4 * i, .eventfd = e);
	expect("doorbells, too many", status, EBUSY);
	close(e);
}

static void memory(int fd)
{
	char *window = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), byte;
	struct uvf_vfio_dma dma = { sizeof(dma), 4, 0, (uintptr_t)&byte };
	struct uvf_vfio_probe probe = { sizeof(probe), 0, 0, 4096 };
	int pipes[2];

	expect("DMA, not open", ioctl(fd, UVF_VFIO_DMA_READ, &dma), EFAULT);
	dma.address = UINT64_MAX - 1;
	expect("DMA, wrapping", ioctl(fd, UVF_VFIO_DMA_WRITE, &dma), EFAULT);
	dma.length = UVF_VFIO_DMA_MAX + 1;
	expect("DMA, too long", ioctl(fd, UVF_VFIO_DMA_READ, &dma), EINVAL);
	expect("probe", ioctl(fd, UVF_VFIO_DMA_PROBE, &probe), 0);
	if (probe.length)
		printf("probe: there is memory\n");
	probe.flags = 2;
	expect("probe, flags", ioctl(fd, UVF_VFIO_DMA_PROBE, &probe), EINVAL);
	/* A system call that reads what is not there. */
	if (!pipe(pipes))
		expect("window, not mapped", write(pipes[1], window, 16), EFAULT);
	expect("window, private", try_map(fd, 4096, MAP_PRIVATE, 0), EINVAL);
	expect("window, too high", try_map(fd, 8192, MAP_SHARED, (1ULL << 56) - 4096), EINVAL);
	expect("direct", try_map(fd, 4096, MAP_SHARED, UVF_VFIO_MAP_REGION(0) + 8192), 0);
	expect("direct, beyond", try_map(fd, 8192, MAP_SHARED, UVF_VFIO_MAP_REGION(0) + 8192), EINVAL);
	expect("direct, no region", try_map(fd, 4096, MAP_SHARED, UVF_VFIO_MAP_REGION(200)), EINVAL);
}

static void taken_over(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	struct uvf_vfio_request request;
	struct uvf_vfio_reply reply = {};
	int next = channel_open();

	expect("a second one", choose(next, pci, 0), EBUSY);
	expect("a successor", choose(next, pci, UVF_VFIO_SELECT_TAKE_OVER), 0);
	if (poll(&p, 1, 0) != 1 || !(p.revents & POLLHUP))
		printf("the predecessor does not hear of it\n");
	expect("its end", read(fd, &request, sizeof(request)), 0);
	expect("write after the end", write(fd, &reply, sizeof(reply)), EPIPE);
	expect("serve after the end", serve(fd, &sound), EPIPE);
	expect("mmap after the end", try_map(fd, 4096, MAP_SHARED, 0), EPIPE);
	close(next);
}

/* Nobody has it open: it may be another device, which has none of the doorbells of the first. */
static void anew(int fd)
{
	struct uvf_vfio_layout other = sound;
	int e = eventfd(0, 0);

	expect("doorbell of the first", BELL(.width = 4, .eventfd = e), 0);
	other.region[0] = (struct uvf_vfio_region){ 0 };
	other.msix = 1;
	expect("serve anew", serve(fd, &other), 0);
	expect("doorbell, no region any more", BELL(.width = 4, .eventfd = e), EINVAL);
	other.timeout_ms = 0;
	expect("serve anew, wrong", serve(fd, &other), EINVAL);
	expect("serve as at first", serve(fd, &sound), 0);
	expect("doorbell, taken off", BELL(.width = 4, .eventfd = -1), ENOENT);
	close(e);
}

int main(int argc, char **argv)
{
	int fd;

	if (argc != 2)
		return 2;
	pci = argv[1];
	before();
	numbers();
	fd = channel_open();
	expect("select", choose(fd, pci, 0), 0);
	layout_regions(fd);
	layout_rest(fd);
	expect("serve", serve(fd, &sound), 0);
	anew(fd);
	messages(fd);
	vectors(fd);
	doorbells(fd);
	memory(fd);
	taken_over(fd);
	printf("looked at\n");
	return 0;
}
