// SPDX-License-Identifier: GPL-2.0-only
/* The full-screen display of uvf top. Columns that the terminal has no room for are left out. */
#include "top.h"

#include <langinfo.h>
#include <locale.h>
#include <ncurses.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "why.h"

enum { PLAIN, ALARM };

struct screen {
	struct top *top;
	enum top_key key;
	int scroll;
	bool blocks; /* the terminal has U+2581 to U+2588 */
};

static const char *const keys[TOP_KEYS] = {
	[TOP_BY_NAME] = "name", [TOP_BY_RX] = "received frames", [TOP_BY_TX] = "sent frames",
	[TOP_BY_BITS] = "bits", [TOP_BY_DROPS] = "drops",
};

/* From right to left in time, as high as the highest of its own row. */
static void sparkline(const struct screen *screen, const struct rates_row *row, int width)
{
	static const char *const blocks[] = { " ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" };
	static const char *const ascii[] = { " ", ".", ".", ":", ":", "+", "+", "#", "#" };
	double highest = 0;

	if (width > RATES_HISTORY)
		width = RATES_HISTORY;
	for (int i = 0; i < width; i++)
		if (row->history[i] > highest)
			highest = row->history[i];
	for (int i = width - 1; i >= 0; i--) {
		int step = highest > 0 ? (int)(row->history[i] / highest * 7.999) + 1 : 0;

		if (row->history[i] <= 0)
			step = 0;
		addstr(screen->blocks ? blocks[step] : ascii[step]);
	}
}

/* Whether there is room for @width columns more; what follows begins there. */
static bool room(int *at, int width)
{
	if (*at + width > COLS)
		return false;
	*at += width;
	return true;
}

static void draw_row(const struct screen *screen, int line, const struct rates_row *row)
{
	char text[7][16];
	int at = 0, reason;
	double drops = rates_drops(row, &reason);

	for (int i = 0; i < RATE_DROPS; i++)
		top_number(row->rate[i], text[i]);
	top_number(drops, text[4]);
	move(line, 0);
	if (drops > 0)
		attron(has_colors() ? COLOR_PAIR(ALARM) : A_BOLD);
	printw("%-*.*s", room(&at, 16) ? 15 : COLS - 1, COLS - 1, row->function);
	if (room(&at, 18))
		printw(" %8s %8s", text[RATE_RX_FRAMES], text[RATE_TX_FRAMES]);
	if (room(&at, 9))
		printw(" %8s", text[4]);
	if (room(&at, 12))
		printw(" %5s %5s", top_share(row->rx_ring, text[5]),
		       top_share(row->fill_ring, text[6]));
	if (room(&at, 18))
		printw(" %8s %8s", text[RATE_RX_BITS], text[RATE_TX_BITS]);
	if (room(&at, 15))
		printw(" %-14s", reason < 0 ? "" : rate_names[reason]);
	if (room(&at, 32))
		printw(" %-15s %-15s", row->uplink, row->holder);
	attroff(has_colors() ? COLOR_PAIR(ALARM) : A_BOLD);
	if (room(&at, 10)) {
		addstr(" ");
		sparkline(screen, row, COLS - at + 8);
	}
}

static void draw_head(const struct screen *screen)
{
	char head[512];
	time_t now = time(NULL);
	struct tm tm;

	localtime_r(&now, &tm);
	snprintf(head, sizeof(head), "uvf top  %02d:%02d:%02d  %u functions, by %s%s", tm.tm_hour,
		 tm.tm_min, tm.tm_sec, HASH_COUNT(screen->top->rates.rows), keys[screen->key],
		 screen->top->facts.uvfd < 0 ? "; uvfd does not run" : "");
	mvaddnstr(0, 0, head, COLS);
	snprintf(head, sizeof(head), "%-15s %8s %8s %8s %5s %5s %8s %8s %-14s %-15s %-15s %s",
		 "FUNCTION", "RX/s", "TX/s", "DROP/s", "RING", "FILL", "RXbit/s", "TXbit/s", "REASON", "UPLINK", "HELD BY",
		 "RX+TX");
	attron(A_REVERSE);
	mvhline(1, 0, ' ', COLS);
	mvaddnstr(1, 0, head, COLS);
	attroff(A_REVERSE);
}

static void draw(struct screen *screen)
{
	const struct rates_row *row;
	int line = 2, i = 0;

	top_sort(screen->top, screen->key);
	erase();
	draw_head(screen);
	for (row = screen->top->rates.rows; row && line < LINES - 1; row = row->hh.next)
		if (i++ >= screen->scroll)
			draw_row(screen, line++, row);
	mvaddnstr(LINES - 1, 0, "sort: n)ame r)x t)x b)its d)rops   q)uit", COLS - 1);
	refresh();
}

static void scroll_by(struct screen *screen, int lines)
{
	int most = (int)HASH_COUNT(screen->top->rates.rows) - 1;

	screen->scroll += lines;
	if (screen->scroll > most)
		screen->scroll = most;
	if (screen->scroll < 0)
		screen->scroll = 0;
}

/* False: quit. */
static bool on_key(struct screen *screen, int key)
{
	static const char letters[] = "nrtbd";
	const char *letter = key > 0 && key < 128 ? strchr(letters, key) : NULL;

	if (key == 'q' || key == 'Q')
		return false;
	if (letter)
		screen->key = (enum top_key)(letter - letters);
	else if (key == KEY_UP || key == KEY_DOWN)
		scroll_by(screen, key == KEY_UP ? -1 : 1);
	else if (key == KEY_PPAGE || key == KEY_NPAGE)
		scroll_by(screen, key == KEY_PPAGE ? 3 - LINES : LINES - 3);
	return true;
}

static double now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1e3 + now.tv_nsec / 1e6;
}

/* Serves keys until the next look is due. False: quit. */
static bool wait_for_look(struct screen *screen)
{
	double end = now_ms() + screen->top->milliseconds, left;
	int key;

	while ((left = end - now_ms()) > 0) {
		timeout((int)left + 1);
		key = getch();
		if (key == ERR)
			continue; /* the time is over, or a signal came */
		if (!on_key(screen, key))
			return false;
		draw(screen);
	}
	return true;
}

static int run(struct screen *screen)
{
	struct top *top = screen->top;
	unsigned int looks = 0;
	int err;

	while (!(err = rates_look(&top->rates, &top->facts, top->names, top->nr_names))) {
		draw(screen);
		if (!wait_for_look(screen) || (top->count && ++looks >= top->count))
			break;
	}
	return err;
}

int top_screen(struct top *top)
{
	struct screen screen = { .top = top, .key = TOP_BY_NAME };
	SCREEN *terminal;
	int err;

	setlocale(LC_CTYPE, "");
	screen.blocks = !strcmp(nl_langinfo(CODESET), "UTF-8");
	/* initscr() would end the program where the terminal is not known. */
	terminal = newterm(NULL, stdout, stdin);
	if (!terminal) {
		uvf_fail(EINVAL, "this terminal is not known (TERM): use --batch");
		return fail();
	}
	cbreak();
	noecho();
	keypad(stdscr, true);
	curs_set(0);
	if (has_colors()) {
		start_color();
		use_default_colors();
		init_pair(ALARM, COLOR_RED, -1);
	}
	err = run(&screen);
	endwin();
	delscreen(terminal);
	return err ? fail() : 0;
}
