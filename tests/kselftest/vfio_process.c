// SPDX-License-Identifier: GPL-2.0-only
/*
 * The interface process of a small device of the test's own, over /dev/uvf-vfio.
 *
 *	vfio_process PCI [OPTION…]
 *
 *	state FILE	registers are kept there, and a successor goes on with them
 *	timeout MS, linger MS, msix N, direct BYTES	of the layout (2000, 0, 4, 4096)
 *	take-over	ends who serves
 *	posted		nobody waits for writes to BAR 0
 *	nobody		selects, then serves as nobody, without a right
 *	quiet		selects and serves, and reads nothing
 *	select		selects, and does not serve
 *
 * "serving" when it does; "ended" when the channel has. Exit: 0, or 1 with "what: why".
 *
 * BAR 0, 16 KiB, registers of 4 bytes; the page at 0x2000 is direct:
 *
 *	00 id		04 scratch		08 raises MSI-X vector N
 *	0c level of INTx			10/14 source, 18/1c target, 20 length, all for
 *	24 command: 1 copies in the window, 2 by ioctls, 3 probes the source, 4 that for writing
 *	28 what came of it, an errno		2c resets	30 requests given again
 *	34 doorbells heard			38 sleeps N ms	3c fails with errno N
 *	40, 44 doorbells, 44 for 7 alone	48 writes here have no reply
 *	4c ties an eventfd to vector N and writes to it		50 writes to it again
 *	54 stores N into the direct page	58 resets by a user: opened<<16 | asked<<8 | closed
 *
 * BAR 2, 256 bytes, accesses of 8 bytes: 00 and 08 are kept, 10 reads the width of the last access.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
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
#include <unistd.h>

#include <linux/uvf_vfio.h>
#include <linux/vfio.h>

#define WINDOW (1ULL << 36)
#define DIRECT 0x2000

static struct registers {
	uint32_t scratch, length, result, resets, again, heard;
	uint32_t opened, asked, closed;
	uint64_t source, target, wide[2], width;
	uint8_t config[256];
} fresh, *r = &fresh;

#define BOTH (UVF_VFIO_REGION_READ | UVF_VFIO_REGION_WRITE)

static struct uvf_vfio_layout layout = {
	.size = sizeof(layout),
	.timeout_ms = 2000,
	.intx = 1,
	.msi = 4,
	.msix = 4,
	.region = {
		[VFIO_PCI_BAR0_REGION_INDEX] = {
			.size = 16384,
			.flags = BOTH,
			.direct_offset = DIRECT,
			.direct_size = 4096,
		},
		[VFIO_PCI_BAR2_REGION_INDEX] = {
			.size = 256,
			.flags = BOTH | UVF_VFIO_REGION_WIDE,
		},
		[VFIO_PCI_ROM_REGION_INDEX] = { .size = 2048, .flags = UVF_VFIO_REGION_READ },
		[VFIO_PCI_CONFIG_REGION_INDEX] = {
			.size = 256,
			.flags = BOTH,
		},
	},
};

static struct uvf_vfio_select select_arg = { .size = sizeof(select_arg) };
static const char *state;
static bool nobody, quiet, select_only;
static int channel, bell, irqfd = -1;
static uint8_t *window;
static volatile uint32_t *direct;

static void die(const char *what)
{
	fprintf(stderr, "vfio_process: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* --- guest memory ------------------------------------------------------------------------- */

static sigjmp_buf nowhere;

static void on_bus(int signal)
{
	siglongjmp(nowhere, 1);
}

static uint32_t copy_in_window(void)
{
	if (r->source >= WINDOW || r->target >= WINDOW)
		return ERANGE;
	if (sigsetjmp(nowhere, 1))
		return EFAULT;
	memmove(window + r->target, window + r->source, r->length);
	return 0;
}

static uint32_t copy_by_ioctl(void)
{
	static uint8_t buffer[UVF_VFIO_DMA_MAX];
	struct uvf_vfio_dma dma = { sizeof(dma), r->length, r->source, (uintptr_t)buffer };

	if (ioctl(channel, UVF_VFIO_DMA_READ, &dma))
		return errno;
	dma.address = r->target;
	return ioctl(channel, UVF_VFIO_DMA_WRITE, &dma) ? errno : 0;
}

static uint32_t probe(uint32_t flags)
{
	struct uvf_vfio_probe probe = { sizeof(probe), flags, r->source, r->length };

	if (ioctl(channel, UVF_VFIO_DMA_PROBE, &probe))
		return errno;
	r->length = probe.length;
	return 0;
}

/* --- interrupts --------------------------------------------------------------------------- */

static void raise_vector(uint32_t index, uint32_t vector, uint32_t level)
{
	struct uvf_vfio_irq irq = { sizeof(irq), index, vector, level };

	if (ioctl(channel, UVF_VFIO_IRQ, &irq))
		r->result = errno;
}

static void tie(uint32_t vector)
{
	struct uvf_vfio_irqfd arg = { sizeof(arg), VFIO_PCI_MSIX_IRQ_INDEX, vector, -1 };

	if (irqfd < 0)
		irqfd = eventfd(0, EFD_NONBLOCK);
	arg.eventfd = irqfd;
	r->result = ioctl(channel, UVF_VFIO_IRQFD, &arg) ? errno : 0;
	eventfd_write(irqfd, 1);
}

static void command(uint32_t which)
{
	r->result = which == 1 ? copy_in_window() :
		    which == 2 ? copy_by_ioctl() :
		    which == 3 ? probe(0) :
				 probe(UVF_VFIO_PROBE_WRITE);
	raise_vector(VFIO_PCI_MSIX_IRQ_INDEX, 0, 1);
}

/* --- registers ---------------------------------------------------------------------------- */

static void hear(void)
{
	eventfd_t count;

	if (!eventfd_read(bell, &count))
		r->heard += count;
}

static uint32_t register_read(uint64_t offset)
{
	switch (offset) {
	case 0x00: return 0xcafe0001;
	case 0x04: return r->scratch;
	case 0x20: return r->length;
	case 0x28: return r->result;
	case 0x2c: return r->resets;
	case 0x30: return r->again;
	case 0x34: hear(); return r->heard;
	case 0x58: return r->opened << 16 | r->asked << 8 | r->closed;
	}
	return 0;
}

static void half(uint64_t *of, bool high, uint32_t value)
{
	if (high)
		*of = (*of & UINT32_MAX) | (uint64_t)value << 32;
	else
		*of = (*of & ~(uint64_t)UINT32_MAX) | value;
}

/* The error of the reply; or -1: none is given. */
static int register_write(uint64_t offset, uint32_t value)
{
	switch (offset) {
	case 0x04: r->scratch = value; break;
	case 0x08: raise_vector(VFIO_PCI_MSIX_IRQ_INDEX, value, 1); break;
	case 0x0c: raise_vector(VFIO_PCI_INTX_IRQ_INDEX, 0, value); break;
	case 0x10: case 0x14: half(&r->source, offset & 4, value); break;
	case 0x18: case 0x1c: half(&r->target, offset & 4, value); break;
	case 0x20: r->length = value; break;
	case 0x24: command(value); break;
	case 0x38: usleep(value * 1000); break;
	case 0x3c: return value;
	case 0x48: return -1;
	case 0x4c: tie(value); break;
	case 0x50: eventfd_write(irqfd, 1); break;
	case 0x54: direct[0] = value; break;
	}
	return 0;
}

static int access_wide(const struct uvf_vfio_request *q, uint64_t *value)
{
	uint8_t *at = (uint8_t *)r->wide + q->offset;

	if (q->offset + q->width > sizeof(r->wide)) {
		*value = r->width;
		return 0;
	}
	if (q->type == UVF_VFIO_READ)
		memcpy(value, at, q->width);
	else
		memcpy(at, value, q->width);
	r->width = q->width;
	return 0;
}

static int access_config(const struct uvf_vfio_request *q, uint64_t *value)
{
	if (q->type == UVF_VFIO_READ)
		memcpy(value, r->config + q->offset, q->width);
	else if (q->offset >= 0x40)
		memcpy(r->config + q->offset, value, q->width);
	return 0;
}

static int access_place(const struct uvf_vfio_request *q, uint64_t *value)
{
	/* What the manual promises. */
	if (q->region >= UVF_VFIO_REGIONS || q->offset % q->width ||
	    q->offset + q->width > layout.region[q->region].size) {
		printf("a bad request\n");
		exit(1);
	}
	switch (q->region) {
	case VFIO_PCI_CONFIG_REGION_INDEX:
		return access_config(q, value);
	case VFIO_PCI_BAR2_REGION_INDEX:
		return access_wide(q, value);
	case VFIO_PCI_ROM_REGION_INDEX:
		*value = 0xaa55;
		return 0;
	}
	if (q->type == UVF_VFIO_WRITE)
		return register_write(q->offset & ~3ULL, *value);
	*value = register_read(q->offset & ~3ULL) >> 8 * (q->offset & 3);
	return 0;
}

static void reset(uint64_t why)
{
	static uint32_t *const count[] = { &fresh.asked, &fresh.opened, &fresh.closed };

	(*(uint32_t *)((char *)r + ((char *)count[why] - (char *)&fresh)))++;
	r->resets++;
	r->scratch = 0;
}

/* --- serving ------------------------------------------------------------------------------ */

static void answer(const struct uvf_vfio_request *q)
{
	struct uvf_vfio_reply reply = { .id = q->id };
	uint64_t value = q->value;
	int error = 0;

	if (q->flags & UVF_VFIO_AGAIN)
		r->again++;
	if (q->type == UVF_VFIO_RESET)
		reset(q->value);
	else
		error = access_place(q, &value);
	if (error < 0)
		return;
	reply.error = error;
	reply.value = value;
	if (write(channel, &reply, sizeof(reply)) != sizeof(reply) && errno != EPIPE)
		die("write");
}

static void serve(void)
{
	struct uvf_vfio_request q[4];
	ssize_t got;
	int i;

	while ((got = read(channel, q, sizeof(q))) > 0)
		for (i = 0; i < got / (ssize_t)sizeof(*q); i++)
			answer(&q[i]);
	if (got < 0)
		die("read");
}

static void put_bell(uint64_t offset, uint32_t flags, uint64_t value)
{
	struct uvf_vfio_doorbell arg = { sizeof(arg), flags, 0, 4, offset, value, bell, 0 };

	if (ioctl(channel, UVF_VFIO_DOORBELL, &arg))
		die("doorbell");
}

static void drop_rights(void)
{
	if (setgroups(0, NULL) || setgid(65534) || setuid(65534))
		die("nobody");
}

static void open_state(void)
{
	int fd = open(state, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0 || ftruncate(fd, sizeof(*r)))
		die(state);
	r = mmap(NULL, sizeof(*r), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (r == MAP_FAILED)
		die(state);
}

static void begin(void)
{
	static const uint8_t ids[] = { 0x34, 0x12, 0x78, 0x56 };

	memcpy(r->config, ids, sizeof(ids));
	channel = open(UVF_VFIO_DEVICE, O_RDWR | O_CLOEXEC);
	if (channel < 0)
		die(UVF_VFIO_DEVICE);
	if (ioctl(channel, UVF_VFIO_SELECT, &select_arg))
		die("select");
	if (select_only)
		return;
	if (nobody)
		drop_rights();
	if (ioctl(channel, UVF_VFIO_SERVE, &layout))
		die("serve");
	window = mmap(NULL, WINDOW, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, channel,
		      UVF_VFIO_MAP_DMA);
	if (window == MAP_FAILED)
		die("window");
	if (layout.region[0].direct_size) {
		direct = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, channel,
			      UVF_VFIO_MAP_REGION(0) + DIRECT);
		if (direct == MAP_FAILED)
			die("direct");
	}
	bell = eventfd(0, EFD_NONBLOCK);
	put_bell(0x40, 0, 0);
	put_bell(0x44, UVF_VFIO_DOORBELL_MATCH, 7);
}

static void parse(int argc, char **argv)
{
	int i;

	if (argc < 2)
		exit(2);
	strncpy(select_arg.pci, argv[1], sizeof(select_arg.pci) - 1);
	for (i = 2; i < argc; i++) {
		const char *word = argv[i];

		if (!strcmp(word, "take-over"))
			select_arg.flags = UVF_VFIO_SELECT_TAKE_OVER;
		else if (!strcmp(word, "posted"))
			layout.region[0].flags |= UVF_VFIO_REGION_POSTED;
		else if (!strcmp(word, "nobody"))
			nobody = true;
		else if (!strcmp(word, "quiet"))
			quiet = true;
		else if (!strcmp(word, "select"))
			select_only = true;
		else if (++i == argc)
			exit(2);
		else if (!strcmp(word, "state"))
			state = argv[i];
		else if (!strcmp(word, "timeout"))
			layout.timeout_ms = atoi(argv[i]);
		else if (!strcmp(word, "linger"))
			layout.linger_ms = atoi(argv[i]);
		else if (!strcmp(word, "msix"))
			layout.msix = atoi(argv[i]);
		else if (!strcmp(word, "direct"))
			layout.region[0].direct_size = atoi(argv[i]);
		else
			exit(2);
	}
	if (!layout.region[0].direct_size)
		layout.region[0].direct_offset = 0;
}

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	parse(argc, argv);
	signal(SIGBUS, on_bus);
	if (state)
		open_state();
	begin();
	printf("serving\n");
	if (quiet || select_only)
		pause();
	serve();
	printf("ended\n");
	return 0;
}
