// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which functions of the kernel processor 0 spends its time in while a command runs:
 *
 *	profile COMMAND…
 *
 * A guest has no perf(1). Samples are the timer's: what runs with interrupts off is charged to
 * where they come on again. In a guest whose time counts instructions, these are instructions.
 */
#include <errno.h>
#include <linux/perf_event.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PERIOD_NS 20011
#define PAGES 4096 /* of samples, a power of two */
#define LINES 45
#define MAX_SYMBOLS 400000

struct symbol {
	uint64_t at;
	uint64_t samples;
	char name[64];
};

static struct symbol symbols[MAX_SYMBOLS];
static size_t nr_symbols;

static int by_address(const void *a, const void *b)
{
	const struct symbol *x = a, *y = b;

	return (x->at > y->at) - (x->at < y->at);
}

static int by_samples(const void *a, const void *b)
{
	const struct symbol *x = a, *y = b;

	return (x->samples < y->samples) - (x->samples > y->samples);
}

/* The first of all, at 0, stands for user space. */
static void read_symbols(void)
{
	FILE *file = fopen("/proc/kallsyms", "r");
	char line[512], type;

	strcpy(symbols[nr_symbols++].name, "(user space)");
	while (file && fgets(line, sizeof(line), file) && nr_symbols < MAX_SYMBOLS) {
		struct symbol *symbol = &symbols[nr_symbols];

		if (sscanf(line, "%lx %c %63s", &symbol->at, &type, symbol->name) == 3 &&
		    strchr("tTwW", type) && symbol->at >> 63)
			nr_symbols++;
	}
	qsort(symbols, nr_symbols, sizeof(*symbols), by_address);
}

static void count(uint64_t ip)
{
	size_t low = 0, high = nr_symbols, middle;

	while (high - low > 1) {
		middle = (low + high) / 2;
		if (symbols[middle].at <= ip)
			low = middle;
		else
			high = middle;
	}
	symbols[low].samples++;
}

static int start(void)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_CPU_CLOCK,
		.size = sizeof(attr),
		.sample_period = PERIOD_NS,
		.sample_type = PERF_SAMPLE_IP,
		.exclude_idle = 1,
	};

	return syscall(SYS_perf_event_open, &attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
}

static uint64_t count_all(struct perf_event_mmap_page *page)
{
	char *ring = (char *)page + page->data_offset;
	uint64_t at, n = 0;

	for (at = page->data_tail; at < page->data_head; n++) {
		struct perf_event_header *header = (void *)(ring + at % page->data_size);

		if (header->type == PERF_RECORD_SAMPLE)
			count(*(uint64_t *)(ring + (at + sizeof(*header)) % page->data_size));
		at += header->size;
	}
	return n;
}

int main(int argc, char **argv)
{
	size_t size = (1 + PAGES) * sysconf(_SC_PAGESIZE), i;
	struct perf_event_mmap_page *page;
	int fd = start(), status = 0;
	uint64_t total;

	page = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (argc < 2 || fd < 0 || page == MAP_FAILED) {
		fprintf(stderr, "profile: give a command; and this kernel needs perf events: %s\n",
			strerror(errno));
		return 1;
	}
	if (!fork()) {
		execvp(argv[1], argv + 1);
		_exit(127);
	}
	wait(&status);
	ioctl(fd, PERF_EVENT_IOC_DISABLE, 0);
	read_symbols();
	total = count_all(page);
	qsort(symbols, nr_symbols, sizeof(*symbols), by_samples);
	for (i = 0; i < LINES && symbols[i].samples; i++)
		printf("%6.2f %%  %s\n", 100.0 * symbols[i].samples / total, symbols[i].name);
	return WEXITSTATUS(status);
}
