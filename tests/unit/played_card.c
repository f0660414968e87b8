// SPDX-License-Identifier: GPL-2.0-only
#include "played_card.h"

#include <errno.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <linux/sockios.h>

struct card card;
bool card_gone;
int card_changes_left;
bool card_after;
jmp_buf card_killed;

void card_make(unsigned int queues, bool has_table, bool has_rules)
{
	card = (struct card){ .driver = "played", .queues = queues, .has_table = has_table, .has_rules = has_rules };
	card_gone = false;
	card_changes_left = -1;
	/* In blocks, as igb has it: not what the kernel calls the default. */
	for (unsigned int i = 0; i < CARD_TABLE; i++)
		card.table[i] = i * queues / CARD_TABLE;
}

bool card_equal(const struct card *a, const struct card *b)
{
	return !memcmp(a->table, b->table, sizeof(a->table)) &&
	       !memcmp(a->taken, b->taken, sizeof(a->taken));
}

static int get_table(struct ethtool_rxfh_indir *indir)
{
	if (!card.has_table)
		return -EOPNOTSUPP;
	if (indir->size) {
		if (indir->size != CARD_TABLE)
			return -EINVAL;
		memcpy(indir->ring_index, card.table, sizeof(card.table));
	}
	indir->size = CARD_TABLE;
	return 0;
}

static int set_table(const struct ethtool_rxfh_indir *indir)
{
	if (!card.has_table)
		return -EOPNOTSUPP;
	if (indir->size && indir->size != CARD_TABLE)
		return -EINVAL;
	for (unsigned int i = 0; i < indir->size; i++)
		if (indir->ring_index[i] >= card.queues)
			return -EINVAL;
	for (unsigned int i = 0; i < CARD_TABLE; i++)
		card.table[i] = indir->size ? indir->ring_index[i] : i % card.queues;
	card.configured = indir->size;
	return 0;
}

static unsigned int rules(void)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < CARD_RULES; i++)
		n += card.taken[i];
	return n;
}

static int list_rules(struct ethtool_rxnfc *list)
{
	unsigned int n = 0;

	if (list->rule_cnt < rules())
		return -EMSGSIZE;
	for (unsigned int i = 0; i < CARD_RULES; i++)
		if (card.taken[i])
			list->rule_locs[n++] = i;
	list->rule_cnt = n;
	list->data = CARD_RULES;
	return 0;
}

static int insert_rule(const struct ethtool_rxnfc *rule)
{
	uint32_t at = rule->fs.location;

	for (uint32_t i = 0; card.special && at == RX_CLS_LOC_ANY && i < CARD_RULES; i++)
		if (!card.taken[i])
			at = i;
	if (at >= CARD_RULES || rule->fs.ring_cookie >= card.queues)
		return -EINVAL;
	card.taken[at] = true;
	card.rule[at] = rule->fs;
	card.rule[at].location = at;
	return 0;
}

static int serve_rules(struct ethtool_rxnfc *request)
{
	uint32_t at = request->fs.location;

	if (!card.has_rules)
		return -EOPNOTSUPP;
	switch (request->cmd) {
	case ETHTOOL_GRXCLSRLCNT:
		request->rule_cnt = rules();
		request->data = CARD_RULES | (card.special ? RX_CLS_LOC_SPECIAL : 0);
		return 0;
	case ETHTOOL_GRXCLSRLALL:
		return list_rules(request);
	case ETHTOOL_SRXCLSRLINS:
		return insert_rule(request);
	}
	if (at >= CARD_RULES || !card.taken[at])
		return -ENOENT;
	if (request->cmd == ETHTOOL_GRXCLSRULE)
		request->fs = card.rule[at];
	else
		card.taken[at] = false;
	return 0;
}

static int serve(void *command)
{
	struct ethtool_channels *channels = command;
	struct ethtool_drvinfo *info = command;

	switch (*(uint32_t *)command) {
	case ETHTOOL_GDRVINFO:
		strcpy(info->driver, card.driver);
		return 0;
	case ETHTOOL_GCHANNELS:
		channels->combined_count = card.queues;
		return 0;
	case ETHTOOL_GRXFHINDIR:
		return get_table(command);
	case ETHTOOL_SRXFHINDIR:
		return set_table(command);
	}
	return serve_rules(command);
}

static bool changes(uint32_t command)
{
	return command == ETHTOOL_SRXFHINDIR || command == ETHTOOL_SRXCLSRLINS ||
	       command == ETHTOOL_SRXCLSRLDEL;
}

int __wrap_ioctl(int fd, unsigned long request, ...)
{
	struct ifreq *interface;
	bool last = false;
	va_list args;
	int err;

	va_start(args, request);
	interface = va_arg(args, struct ifreq *);
	va_end(args);
	if (changes(*(uint32_t *)interface->ifr_data))
		last = !card_changes_left--;
	if (last && !card_after)
		longjmp(card_killed, 1);
	err = serve(interface->ifr_data);
	if (last)
		longjmp(card_killed, 1);
	if (!err)
		return 0;
	errno = -err;
	return -1;
}

char *__wrap_if_indextoname(unsigned int ifindex, char *name)
{
	return ifindex == CARD && !card_gone ? strcpy(name, "eth1") : NULL;
}
