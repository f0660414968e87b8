// SPDX-License-Identifier: GPL-2.0-only
/*
 * A personality in C alone: two registers, of which the second is what was written to the first,
 * turned around; and it sends what it receives. VERSION makes one of another version.
 */
#include <stdlib.h>
#include <string.h>

#include <uvf/personality.h>

#ifndef VERSION
#define VERSION UVF_PERSONALITY_VERSION
#endif

static const char xml[] =
	"<personality name='echo' version='1' text='sends what it receives'>"
	"<pci vendor='0x1234' device='0x0003'><bar index='0' kind='memory' size='0x100' space='r'/>"
	"</pci><space name='r' size='0x10'><register name='A' at='0' write='0xffffffff'/>"
	"<register name='B' at='4'/></space></personality>";

struct echo {
	struct uvf_nic *nic;
	const struct uvf_nic_ops *ops;
};

static void *start(struct uvf_nic *nic, const struct uvf_nic_ops *ops)
{
	struct echo *echo = calloc(1, sizeof(*echo));

	if (echo) {
		echo->nic = nic;
		echo->ops = ops;
	}
	return echo;
}

static int access(void *state, unsigned int space, uint32_t offset, unsigned int width, int write,
		  uint64_t *value)
{
	struct echo *echo = state;
	int a = echo->ops->find(echo->nic, "A");

	if (offset != 4 || write || width != 4)
		return 0;
	*value = __builtin_bswap32(echo->ops->get(echo->nic, a, 0));
	return 1;
}

static int receive(void *state, uint8_t *frame, uint32_t len)
{
	struct echo *echo = state;
	uint32_t size;
	uint8_t *room = echo->ops->room(echo->nic, &size);

	if (!room)
		return UVF_NIC_FULL;
	memcpy(room, frame, len < size ? len : size);
	echo->ops->send(echo->nic, room, len < size ? len : 0);
	echo->ops->received(echo->nic, frame, len);
	return UVF_NIC_TAKEN;
}

UVF_PERSONALITY = {
	.version = VERSION,
	.size = sizeof(struct uvf_personality),
	.name = "echo",
	.xml = xml,
	.start = start,
	.stop = free,
	.access = access,
	.receive = receive,
};
