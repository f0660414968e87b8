// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest memory behind the channel's window, as uvf-vfio.ko has it: what is not there raises SIGBUS,
 * and pages come and go under whoever looks.
 *
 * RAM is a file, of which pieces are mapped into the window; all else of the window is a file
 * without a byte, and to touch that is SIGBUS indeed. To write what may only be read is SIGBUS in
 * the module, and SIGSEGV here: it is handed to who catches SIGBUS.
 */
#include "played_vfio.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define WINDOW (1ULL << 42) /* memory.c */
#define PAGE 4096u
/* Pages where something may be: at the window's beginning, and on both sides of its end. */
#define LOW 1024u
#define HIGH 16u
#define HIGH_AT (WINDOW / PAGE - HIGH / 2)

struct page {
	bool there, read_only;
	bool told; /* that it may be written, since the window is as it is */
	unsigned int ram;
};

static struct page pages[LOW + HIGH];
static int ram = -1, nothing = -1;
static uint8_t *guest, *window;
static bool dead; /* what the process writes nobody sees any more */
static unsigned int holes; /* pages of zeroes that the process has put where nothing was */
static struct sigaction segv, bus;

/* The sanitizer does not look at windows of four terabytes. */
static void *map(void *at, size_t len, int protection, int flags, int fd, off_t offset)
{
	return (void *)syscall(SYS_mmap, at, len, protection, flags, fd, offset);
}

static struct page *page_of(uint64_t number)
{
	if (number < LOW)
		return &pages[number];
	return number >= HIGH_AT && number - HIGH_AT < HIGH ? &pages[LOW + number - HIGH_AT] : NULL;
}

static int sharing(void)
{
	return dead ? MAP_PRIVATE : MAP_SHARED;
}

static void show(uint64_t number)
{
	const struct page *page = page_of(number);
	int protection = page->there && page->read_only ? PROT_READ : PROT_READ | PROT_WRITE;

	if (window && number < WINDOW / PAGE)
		assert(map(window + number * PAGE, PAGE, protection, sharing() | MAP_FIXED,
			   page->there ? ram : nothing,
			   page->there ? (off_t)page->ram * PAGE : 0) != MAP_FAILED);
}

/* Those that lie in a row in RAM as well, at once. */
static void show_all(void)
{
	for (unsigned int i = 0, n; i < LOW; i += n) {
		for (n = 1; i + n < LOW && pages[i].there && pages[i + n].there &&
			    pages[i + n].ram == pages[i].ram + n &&
			    pages[i + n].read_only == pages[i].read_only;)
			n++;
		if (pages[i].there)
			assert(map(window + (size_t)i * PAGE, (size_t)n * PAGE,
				   pages[i].read_only ? PROT_READ : PROT_READ | PROT_WRITE,
				   sharing() | MAP_FIXED, ram, (off_t)pages[i].ram * PAGE) !=
			       MAP_FAILED);
	}
	for (unsigned int i = 0; i < HIGH; i++)
		if (pages[LOW + i].there)
			show(HIGH_AT + i);
}

/* --- what the user does ----------------------------------------------------------------------- */

uint64_t played_page(unsigned int number)
{
	return number & 0x8000 ? HIGH_AT + number % HIGH : number % LOW;
}

void played_map(uint64_t page, unsigned int at, unsigned int count, bool read_only)
{
	for (unsigned int i = 0; i < count && page_of(page + i); i++) {
		if (page_of(page + i)->there) /* VFIO: EEXIST */
			continue;
		page_of(page + i)->there = true;
		page_of(page + i)->read_only = read_only;
		page_of(page + i)->ram = (at + i) % RAM_PAGES;
		show(page + i);
	}
}

void played_unmap(uint64_t page, unsigned int count)
{
	for (unsigned int i = 0; i < count && page_of(page + i); i++) {
		if (!page_of(page + i)->there)
			continue;
		page_of(page + i)->there = false;
		show(page + i);
	}
}

static void forget_all(void)
{
	for (unsigned int i = 0; i < LOW + HIGH; i++)
		pages[i].there = false;
	if (window)
		assert(map(window, WINDOW, PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_FIXED | MAP_NORESERVE, nothing, 0) != MAP_FAILED);
}

void played_unmap_all(void)
{
	forget_all();
}

void played_map_all(bool moved)
{
	forget_all();
	for (unsigned int i = 0; i < RAM_PAGES; i++) {
		pages[RAM_AT + i].there = true;
		pages[RAM_AT + i].read_only = moved && i % 4 == 1;
		pages[RAM_AT + i].ram = moved ? i ^ 1 : i;
	}
	if (window)
		show_all();
}

void played_memory_dies(void)
{
	dead = true;
	if (window)
		show_all();
}

uint8_t *played_ram(void)
{
	return guest;
}

/* --- what the process asks -------------------------------------------------------------------- */

uint64_t played_mapped(uint64_t at, uint64_t len, bool write)
{
	uint64_t have = 0;

	while (have < len) {
		struct page *page = page_of((at + have) / PAGE);

		if (!page || !page->there || (write && page->read_only))
			break;
		page->told |= write;
		have += PAGE - (at + have) % PAGE;
	}
	return have < len ? have : len;
}

static void *window_map(void *at, int flags)
{
	void *to;

	if (played.ended || played_fails(FAILS_MAP)) {
		if (played.ended)
			errno = EPIPE;
		if (at) /* Linux 6.1 has taken away then what was there */
			munmap(at, WINDOW);
		return MAP_FAILED;
	}
	to = map(at, WINDOW, PROT_READ | PROT_WRITE, flags, nothing, 0);
	assert(to != MAP_FAILED);
	window = to;
	holes = 0;
	for (unsigned int i = 0; i < LOW + HIGH; i++)
		pages[i].told = false;
	dead = dead && at;
	show_all();
	return to;
}

void *played_mmap(void *at, size_t len, int protection, int flags, int fd, off_t offset)
{
	if (fd == FD_CHANNEL) {
		assert(len == WINDOW && flags & MAP_SHARED && flags & MAP_NORESERVE);
		assert(offset == UVF_VFIO_MAP_DMA && at == window);
		played_meanwhile();
		return window_map(at, flags);
	}
	/* The handler of SIGBUS. */
	assert(len == PAGE && flags & MAP_FIXED && (uintptr_t)at % PAGE == 0);
	assert((uint8_t *)at >= window && (uint8_t *)at < window + WINDOW);
	holes++;
	return map(at, len, protection, flags, fd, offset);
}

int played_munmap(void *at, size_t len)
{
	assert(at == window && len == WINDOW);
	window = NULL;
	holes = 0;
	return syscall(SYS_munmap, at, len);
}

void played_memory_check(void)
{
	assert(!holes || front.stop);
}

void played_memory_ended(void)
{
	struct sigaction now;

	assert(!window);
	assert(!sigaction(SIGBUS, NULL, &now));
	assert(now.sa_sigaction == bus.sa_sigaction);
}

/* --- life ------------------------------------------------------------------------------------- */

/* To write where one may only read, and might have written when it was last asked. */
static void on_segv(int number, siginfo_t *info, void *context)
{
	uint64_t into = (uint8_t *)info->si_addr - window;
	const struct page *page = window && into < WINDOW ? page_of(into / PAGE) : NULL;
	struct sigaction now;

	if (page && page->there && page->read_only && (page->told || played.lied) &&
	    !sigaction(SIGBUS, NULL, &now) && now.sa_sigaction != bus.sa_sigaction)
		now.sa_sigaction(SIGBUS, info, context);
	else
		segv.sa_sigaction(number, info, context);
}

void played_memory_open(void)
{
	const struct sigaction action = { .sa_sigaction = on_segv,
					  .sa_flags = SA_SIGINFO | SA_ONSTACK };

	ram = memfd_create("ram", MFD_CLOEXEC);
	nothing = memfd_create("nothing", MFD_CLOEXEC);
	assert(ram >= 0 && nothing >= 0 && !ftruncate(ram, RAM_PAGES * PAGE));
	guest = mmap(NULL, RAM_PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, ram, 0);
	assert(guest != MAP_FAILED);
	assert(!sigaction(SIGBUS, NULL, &bus));
	assert(!sigaction(SIGSEGV, &action, &segv) && segv.sa_flags & SA_SIGINFO);
}

void played_memory_begin(void)
{
	assert(!window);
	assert(!fallocate(ram, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, RAM_PAGES * PAGE));
	played_map_all(false);
}
