// SPDX-License-Identifier: GPL-2.0-only
/*
 * A driver in user space for the tiny NIC of tests/nic/tiny.xml, over VFIO. What it is told it
 * does, and prints a line each.
 *
 *	vfio_tiny PCI [WORD…]		WORDs of a command are one argument
 *
 *	ids			vendor, device, revision
 *	begin			MSI, rings, address, receiving and sending
 *	send COUNT MAC [US]	numbered frames, of 80 to 1514 bytes, each acknowledged, and so
 *				many microseconds between them
 *	receive COUNT IDLE	numbered frames: until the last of so many came, or none for IDLE ms
 *	get OFFSET, set OFFSET VALUE	a register
 *	nowhere			sends from where no memory is, and from a ring that is nowhere
 *	away COUNT		unmaps its memory while the card uses it, COUNT times
 *	link			waits for the cause of a change: 1 up, 0 down
 *	touch FILE, await FILE, sleep MS
 *
 * Exit: 0; 1 when something could not be had; 2.
 */
#include <poll.h>
#include <stdbool.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <time.h>

#include "numbered.h"
#include "vfio_open.h"

/* tiny.xml */
#define CONTROL 0x00
#define STATUS 0x04
#define CAUSE 0x08
#define MASK 0x0c
#define TX_RING 0x20
#define RX_RING 0x24
#define KICK 0x28
#define CAUSE_SENT 1
#define CAUSE_LINK 8
#define OWN (1u << 31)
#define WRAP (1u << 30)
#define END (1u << 29)

#define DMA 0x100000u
#define DMA_SIZE 0x100000u
#define TX_AT 0u
#define RX_AT 0x1000u
#define TX_BUFFERS 0x10000u
#define RX_BUFFERS 0x40000u
#define BUFFER 2048
#define RING 64

static struct vfio_use use;
static uint8_t *memory;
static int told[2]; /* by vector */
static unsigned int tx_next, rx_next;

/* --- registers, config space, memory ---------------------------------------------------------- */

static uint32_t access_get(uint64_t region, uint64_t at, size_t width)
{
	uint32_t value = 0;

	if (pread(use.device, &value, width, vfio_place(region, at)) != (ssize_t)width)
		vfio_die("read");
	return value;
}

static void access_set(uint64_t region, uint64_t at, size_t width, uint32_t value)
{
	if (pwrite(use.device, &value, width, vfio_place(region, at)) != (ssize_t)width)
		vfio_die("write");
}

static uint32_t get(uint32_t at) { return access_get(0, at, 4); }
static void set(uint32_t at, uint32_t value) { access_set(0, at, 4, value); }
static uint32_t config_get(uint32_t at, size_t width) { return access_get(7, at, width); }
static void config_set(uint32_t at, size_t w, uint32_t value) { access_set(7, at, w, value); }

static void map_dma(void)
{
	struct vfio_iommu_type1_dma_map arg = {
		.argsz = sizeof(arg),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.iova = DMA,
		.size = DMA_SIZE,
		.vaddr = (uintptr_t)memory,
	};

	if (ioctl(use.container, VFIO_IOMMU_MAP_DMA, &arg))
		vfio_die("map");
}

static void unmap_dma(void)
{
	struct vfio_iommu_type1_dma_unmap arg = {
		.argsz = sizeof(arg),
		.iova = DMA,
		.size = DMA_SIZE,
	};

	if (ioctl(use.container, VFIO_IOMMU_UNMAP_DMA, &arg))
		vfio_die("unmap");
}

static void listen_to_vectors(void)
{
	char room[sizeof(struct vfio_irq_set) + sizeof(told)];
	struct vfio_irq_set *irqs = (void *)room;

	for (int i = 0; i < 2; i++)
		told[i] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	*irqs = (struct vfio_irq_set){
		.argsz = sizeof(room),
		.flags = VFIO_IRQ_SET_ACTION_TRIGGER | VFIO_IRQ_SET_DATA_EVENTFD,
		.index = VFIO_PCI_MSI_IRQ_INDEX,
		.count = 2,
	};
	memcpy(irqs->data, told, sizeof(told));
	if (ioctl(use.device, VFIO_DEVICE_SET_IRQS, irqs))
		vfio_die("listen");
}

/* Waits for an interrupt; false: none came. */
static bool interrupted(unsigned int vector, int ms)
{
	struct pollfd fd = { .fd = told[vector], .events = POLLIN };
	eventfd_t count;

	if (poll(&fd, 1, ms) <= 0)
		return false;
	eventfd_read(told[vector], &count);
	return true;
}

/* --- rings ------------------------------------------------------------------------------------ */

static volatile uint32_t *descriptor(uint32_t ring, unsigned int i)
{
	return (volatile uint32_t *)(memory + ring) + 2 * i;
}

static uint32_t wrap(unsigned int i) { return i == RING - 1 ? WRAP : 0; }

static void give_buffer(unsigned int i)
{
	volatile uint32_t *d = descriptor(RX_AT, i);

	d[0] = DMA + RX_BUFFERS + BUFFER * i;
	__atomic_store_n(&d[1], OWN | wrap(i) | 2040u << 12, __ATOMIC_RELEASE);
}

static void begin(void)
{
	config_set(4, 2, 6); /* memory, and bus master */
	config_set(0x52, 2, 0x11); /* MSI, two messages */
	if (!told[0])
		listen_to_vectors();
	memset(memory, 0, DMA_SIZE);
	for (unsigned int i = 0; i < RING; i++)
		give_buffer(i);
	descriptor(TX_AT, RING - 1)[1] = WRAP;
	tx_next = 0;
	rx_next = 0;
	set(CONTROL, 0);
	set(TX_RING, DMA + TX_AT);
	set(RX_RING, DMA + RX_AT);
	set(CAUSE, 0xff);
	set(MASK, 0xff);
	set(CONTROL, 0xb);
	printf("begun\n");
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

static bool is_sent(unsigned int i)
{
	int64_t end = now_ms() + 20000;

	while (__atomic_load_n(&descriptor(TX_AT, i)[1], __ATOMIC_ACQUIRE) & OWN) {
		if (now_ms() > end)
			return false;
		if (interrupted(0, 20))
			set(CAUSE, CAUSE_SENT);
	}
	return true;
}

/* Sizes of all kinds, IPv4's type, and a number. */
static unsigned int frame_make(uint8_t *frame, const unsigned char *to, uint32_t number)
{
	static const uint8_t from[6] = { 2, 0, 0, 0, 0x5e, 0x72 };
	unsigned int size = NUMBERED_LEAST + number * 53 % (1514 - NUMBERED_LEAST + 1);

	memset(frame, 0, NUMBERED_HEADERS);
	memcpy(frame, to, 6);
	memcpy(frame + 6, from, 6);
	frame[12] = 8;
	numbered_put(frame, size, number);
	return size;
}

/* Each in two descriptors: what is in front of a byte, and what is behind it. */
static bool send_one(const unsigned char *to, uint32_t number)
{
	uint8_t *frame = memory + TX_BUFFERS + BUFFER * tx_next;
	uint32_t at = DMA + TX_BUFFERS + BUFFER * tx_next;
	unsigned int size = frame_make(frame, to, number), cut = 14 + number % 60;
	unsigned int second = (tx_next + 1) % RING;
	volatile uint32_t *d[2] = { descriptor(TX_AT, tx_next), descriptor(TX_AT, second) };

	d[0][0] = at;
	d[1][0] = at + cut;
	d[1][1] = OWN | END | wrap(second) | (size - cut);
	__atomic_store_n(&d[0][1], OWN | wrap(tx_next) | cut, __ATOMIC_RELEASE);
	set(KICK, 1);
	tx_next = (second + 1) % RING;
	return is_sent(second);
}

static void send_frames(uint32_t count, const char *mac, unsigned int pause)
{
	unsigned char to[6];
	uint32_t i;

	if (sscanf(mac, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &to[0], &to[1], &to[2], &to[3], &to[4],
		   &to[5]) != 6)
		exit(2);
	for (i = 0; i < count && send_one(to, i); i++)
		usleep(pause);
	printf("sent %u\n", i);
}

static bool take_one(struct numbered_tally *tally)
{
	uint32_t flags = __atomic_load_n(&descriptor(RX_AT, rx_next)[1], __ATOMIC_ACQUIRE);
	static uint8_t frame[BUFFER];

	if (flags & OWN)
		return false;
	memcpy(frame, memory + RX_BUFFERS + BUFFER * rx_next, flags & 0x7ff);
	numbered_count(tally, frame, flags & 0x7ff);
	give_buffer(rx_next);
	rx_next = (rx_next + 1) % RING;
	return true;
}

static void receive_frames(uint32_t count, uint32_t idle)
{
	static struct numbered_tally tally;
	int64_t last = now_ms();
	unsigned int interrupts = 0;

	numbered_begin(&tally);
	while (tally.last + 1 < count && now_ms() - last < (tally.came ? idle : 30000)) {
		if (interrupted(1, 20)) {
			interrupts++;
			set(CAUSE, 2);
		}
		while (take_one(&tally))
			last = now_ms();
	}
	printf("received %u, doubled %u, missing %u, damaged %u, interrupts %s\n", tally.came,
	       tally.doubled, numbered_missing(&tally), tally.damaged, interrupts ? "some" : "none");
}

/* --- what a driver must not do ---------------------------------------------------------------- */

static void nowhere(void)
{
	volatile uint32_t *d = descriptor(TX_AT, 0);
	static const uint32_t addresses[] = { DMA + DMA_SIZE, DMA - 8, 0xfffffff8, 0x7fffffff };

	for (unsigned int i = 0; i < 4; i++) {
		set(CONTROL, 0);
		d[0] = addresses[i];
		d[1] = OWN | END | WRAP | 0xfff;
		set(TX_RING, DMA + TX_AT);
		set(CONTROL, 0xb);
		set(KICK, 1);
		set(CONTROL, 0);
		set(TX_RING, addresses[i]);
		set(RX_RING, addresses[i]);
		set(CONTROL, 0xf);
		set(KICK, 1);
	}
	printf("%#x\n", get(CONTROL));
}

/* It stays the same memory, so that what is done late does no harm here. */
static void away(uint32_t count)
{
	static const unsigned char to[6] = { 2, 0, 0, 0, 0x5e, 0x73 };

	for (uint32_t i = 0; i < count; i++) {
		if (!send_one(to, i)) {
			printf("not sent\n");
			exit(1);
		}
		unmap_dma();
		set(KICK, 1);
		get(STATUS);
		map_dma();
		begin();
	}
}

static void link_change(void)
{
	int64_t end = now_ms() + 20000;

	while (!(get(CAUSE) & CAUSE_LINK) && now_ms() < end)
		interrupted(0, 20);
	set(CAUSE, CAUSE_LINK);
	printf("%u\n", get(STATUS) & 1);
}

/* --- being told --------------------------------------------------------------------------- */

static void await(const char *file)
{
	int64_t end = now_ms() + 120000;

	while (access(file, F_OK) && now_ms() < end)
		usleep(10000);
}

static bool do_frames(const char *word, const char *rest)
{
	unsigned int a = 0, b = 0;
	char mac[32] = "";

	if (!strcmp(word, "send") && sscanf(rest, "%u %31s %u", &a, mac, &b) >= 2)
		send_frames(a, mac, b);
	else if (!strcmp(word, "receive") && sscanf(rest, "%u %u", &a, &b) == 2)
		receive_frames(a, b);
	else if (!strcmp(word, "away") && sscanf(rest, "%u", &a) == 1)
		away(a);
	else
		return false;
	return true;
}

static bool do_plain(const char *word, const char *rest)
{
	char *next;
	uint32_t a = strtoul(rest, &next, 0);

	if (!strcmp(word, "ids"))
		printf("%08x %02x\n", config_get(0, 4), config_get(8, 1));
	else if (!strcmp(word, "begin"))
		begin();
	else if (!strcmp(word, "get"))
		printf("%#x\n", get(a));
	else if (!strcmp(word, "set"))
		set(a, strtoul(next, NULL, 0));
	else if (!strcmp(word, "nowhere"))
		nowhere();
	else if (!strcmp(word, "link"))
		link_change();
	else if (!strcmp(word, "touch"))
		close(open(rest, O_CREAT | O_WRONLY, 0600));
	else if (!strcmp(word, "await"))
		await(rest);
	else if (!strcmp(word, "sleep"))
		usleep(a * 1000);
	else
		return false;
	return true;
}

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc < 2)
		return 2;
	use.address = argv[1];
	vfio_open_group(&use);
	vfio_open_device(&use);
	memory = mmap(NULL, DMA_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	map_dma();
	for (int i = 2; i < argc; i++) {
		char word[32] = "", rest[256] = "";

		if (sscanf(argv[i], "%31s %255[^\n]", word, rest) < 1 ||
		    (!do_plain(word, rest) && !do_frames(word, rest))) {
			fprintf(stderr, "vfio_tiny: '%s' is not known, or lacks something\n", argv[i]);
			return 2;
		}
	}
	return 0;
}
