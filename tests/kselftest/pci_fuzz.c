// SPDX-License-Identifier: GPL-2.0-only
/*
 * A function's configuration space through sysfs: every access, and random ones.
 *
 *	pci_fuzz sweep ADDRESS			write patterns at each offset in each width, and
 *						compare all of the space with what should be there
 *	pci_fuzz map ADDRESS			map BAR 0, which should be refused
 *	pci_fuzz run SECONDS SEED ADDRESS…	two processes: one reads and writes at random, the
 *						other unbinds, binds, enables, removes and rescans,
 *						forbids MSI and moves interrupts
 *
 * SEED 0 takes one from the clock. What never changes is compared at each step of a run: IDs,
 * header type, capabilities, and all that is reserved. Exit: 0 when all was as it should be.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SIZE 256

/* From the specification (PCI 3.0, 6.1 and 6.8) and the manual, not from the module. */
static uint8_t writable[SIZE];
static uint8_t fixed[SIZE];

static void __attribute__((noreturn, format(printf, 1, 2))) die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fprintf(stderr, "pci_fuzz: ");
	vfprintf(stderr, format, args);
	fprintf(stderr, "\n");
	va_end(args);
	exit(1);
}

static void put(uint8_t *space, int at, int width, uint32_t value)
{
	for (; width--; value >>= 8)
		space[at++] = value;
}

static void describe(void)
{
	put(writable, 0x04, 2, 0x0547); /* command */
	put(writable, 0x0c, 2, 0xffff); /* cache line size, latency timer */
	put(writable, 0x10, 4, 0xfffff000); /* BAR 0, a page */
	put(writable, 0x14, 4, 0xffffffff);
	put(writable, 0x3c, 1, 0xff); /* interrupt line */
	put(writable, 0x42, 2, 0x0071); /* MSI: enable, number of messages */
	put(writable, 0x44, 4, 0xfffffffc); /* MSI: address */
	put(writable, 0x48, 4, 0xffffffff);
	put(writable, 0x4c, 2, 0xffff); /* MSI: data */
	put(writable, 0x50, 4, 0xffffffff); /* MSI: mask */
	put(writable, 0x62, 2, 0xc000); /* MSI-X: enable, mask all */

	put(fixed, 0x00, 4, 0x10f01af4);
	put(fixed, 0x06, 2, 0x0010); /* status: there are capabilities */
	put(fixed, 0x0e, 1, 0x80); /* multi-function */
	put(fixed, 0x10, 1, 0x04); /* 64 bits, not prefetchable */
	put(fixed, 0x2c, 4, 0x10f01af4);
	put(fixed, 0x34, 1, 0x40);
	put(fixed, 0x40, 4, 0x018a6005); /* MSI: 32 messages, 64 bits, masks; the next one */
	put(fixed, 0x60, 4, 0x001f0011); /* MSI-X: 32 entries */
	put(fixed, 0x68, 4, 0x00000800); /* pending bits */
}

static bool known_class(const uint8_t *image)
{
	uint32_t class = image[9] | image[10] << 8 | image[11] << 16;

	return class == 0xff0000 || class == 0x020000;
}

static void check_fixed(const char *address, const uint8_t *image)
{
	int i;

	if (!known_class(image))
		die("%s: class %02x%02x%02x", address, image[11], image[10], image[9]);
	for (i = 0; i < SIZE; i++)
		if (!(i >= 9 && i <= 11) && (image[i] & ~writable[i]) != fixed[i])
			die("%s: %02x at %02x, where %02x is fixed", address, image[i], i, fixed[i]);
}

static int open_config(const char *address)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/config", address);
	return open(path, O_RDWR);
}

/* --- every access ------------------------------------------------------------------------- */

static void read_all(int fd, uint8_t *image)
{
	if (pread(fd, image, SIZE, 0) != SIZE)
		die("the space can't be read: %s", strerror(errno));
}

static void check_reads(int fd, const uint8_t *image)
{
	uint8_t part[8];
	int at, width;

	for (at = 0; at < SIZE + 8; at++)
		for (width = 1; width <= 8; width++) {
			int want = at >= SIZE ? 0 : at + width > SIZE ? SIZE - at : width;

			if (pread(fd, part, width, at) != want)
				die("%d bytes at %02x: not %d were read", width, at, want);
			if (want && memcmp(part, image + at, want))
				die("%d bytes at %02x: not as in the whole", width, at);
		}
}

static void check_write(int fd, uint8_t *model, int at, int width, uint8_t pattern)
{
	uint8_t part[8], image[SIZE];
	int i, want = at >= SIZE ? 0 : at + width > SIZE ? SIZE - at : width;

	for (i = 0; i < width; i++)
		part[i] = pattern + i * 0x35;
	/* Beyond the end it is refused, or nothing is written. */
	if ((want || pwrite(fd, part, width, at) > 0) && pwrite(fd, part, width, at) != want)
		die("%d bytes at %02x: not %d were written", width, at, want);
	for (i = 0; i < want; i++)
		model[at + i] = (model[at + i] & ~writable[at + i]) | (part[i] & writable[at + i]);
	read_all(fd, image);
	for (i = 0; i < SIZE; i++)
		if (image[i] != model[i])
			die("%d bytes written at %02x: %02x at %02x, not %02x", width, at, image[i], i,
			    model[i]);
}

static int sweep(const char *address)
{
	static const uint8_t patterns[] = { 0xff, 0x00, 0x55, 0xaa };
	uint8_t first[SIZE], model[SIZE];
	int fd = open_config(address), at, width;
	size_t i;

	if (fd < 0)
		die("%s: %s", address, strerror(errno));
	read_all(fd, first);
	check_fixed(address, first);
	check_reads(fd, first);
	memcpy(model, first, SIZE);
	for (at = 0; at < SIZE + 4; at++)
		for (width = 1; width <= 5; width++)
			for (i = 0; i < sizeof(patterns); i++)
				check_write(fd, model, at, width, patterns[i]);
	check_reads(fd, model);
	if (pwrite(fd, first, SIZE, 0) != SIZE)
		die("the space can't be written: %s", strerror(errno));
	read_all(fd, model);
	check_fixed(address, model);
	if (memcmp(first, model, SIZE))
		die("what was there can't be written back");
	printf("swept %s\n", address);
	return 0;
}

static int map(const char *address)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/resource0", address);
	fd = open(path, O_RDWR);
	if (fd < 0)
		die("%s: %s", path, strerror(errno));
	if (mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED)
		die("BAR 0 can't be mapped: %s", strerror(errno));
	return 0;
}

/* --- random ones -------------------------------------------------------------------------- */

static char **devices;
static int nr_devices;
static unsigned long accesses;

static const char *any_device(void)
{
	return devices[random() % nr_devices];
}

static void access_any(void)
{
	const char *address = any_device();
	uint8_t image[SIZE], part[8];
	int fd = open_config(address), at = random() % (SIZE + 4), width = 1 + random() % 8, i;

	/* It may have been removed. */
	if (fd < 0)
		return;
	for (i = 0; i < width; i++)
		part[i] = random() >> 8;
	if (random() % 2)
		i = pwrite(fd, part, width, at);
	else
		i = pread(fd, part, width, at);
	if (pread(fd, image, SIZE, 0) == SIZE) {
		check_fixed(address, image);
		accesses++;
	}
	close(fd);
}

/* Whether it is refused is the kernel's business; that it survives is ours. */
static void tell(const char *text, const char *format, ...)
{
	char path[256];
	va_list args;
	int fd;

	va_start(args, format);
	vsnprintf(path, sizeof(path), format, args);
	va_end(args);
	fd = open(path, O_WRONLY);
	if (fd < 0)
		return;
	if (write(fd, text, strlen(text)) < 0)
		errno = 0;
	close(fd);
}

static void move_interrupts(const char *address)
{
	struct dirent *entry;
	char path[128];
	DIR *dir;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/msi_irqs", address);
	dir = opendir(path);
	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			tell(random() % 2 ? "1" : "2", "/proc/irq/%s/smp_affinity", entry->d_name);
	if (dir)
		closedir(dir);
}

static void act(void)
{
	static const char device[] = "/sys/bus/pci/devices/%s/%s";
	const char *address = any_device();
	int what = random() % 10;

	switch (what) {
	case 0:
		return tell(address, "/sys/bus/pci/drivers/uvf/unbind");
	case 1:
		return tell(address, "/sys/bus/pci/drivers/uvf/bind");
	case 2:
		return tell("1", device, address, "enable");
	case 3:
		return tell("0", device, address, "enable");
	case 4:
		return tell("1", device, address, "remove");
	case 5:
		return tell("1", "/sys/bus/pci/rescan");
	case 6:
		return tell("0", device, address, "msi_bus");
	case 7:
		return tell("1", device, address, "msi_bus");
	case 8:
		return tell(random() % 2 ? "none" : "\n", device, address, "driver_override");
	case 9:
		return move_interrupts(address);
	}
}

static void repeat(double seconds, unsigned int seed, void (*step)(void))
{
	struct timespec now, end;

	srandom(seed);
	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += seconds;
	do {
		step();
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while (now.tv_sec < end.tv_sec ||
		 (now.tv_sec == end.tv_sec && now.tv_nsec < end.tv_nsec));
}

/* As they were, as far as they know it themselves. */
static void settle(void)
{
	int i;

	tell("1", "/sys/bus/pci/rescan");
	for (i = 0; i < nr_devices; i++) {
		tell("1", "/sys/bus/pci/devices/%s/msi_bus", devices[i]);
		tell("\n", "/sys/bus/pci/devices/%s/driver_override", devices[i]);
		tell(devices[i], "/sys/bus/pci/drivers_probe");
	}
}

static int run(double seconds, unsigned int seed)
{
	int status;
	pid_t child;

	if (!seed)
		seed = time(NULL);
	printf("SEED %u\n", seed);
	fflush(stdout);
	child = fork();
	if (!child) {
		repeat(seconds, seed + 1, act);
		_exit(0);
	}
	repeat(seconds, seed, access_any);
	waitpid(child, &status, 0);
	settle();
	printf("%lu accesses\n", accesses);
	return status || !accesses;
}

int main(int argc, char **argv)
{
	describe();
	if (argc == 3 && !strcmp(argv[1], "sweep"))
		return sweep(argv[2]);
	if (argc == 3 && !strcmp(argv[1], "map"))
		return map(argv[2]);
	if (argc < 5 || strcmp(argv[1], "run"))
		die("there is sweep ADDRESS, map ADDRESS, and run SECONDS SEED ADDRESS…");
	devices = argv + 4;
	nr_devices = argc - 4;
	return run(atof(argv[2]), strtoul(argv[3], NULL, 0));
}
