// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ports are functions of one libuvf session, and so share its memory: a frame that came in on
 * one of them goes out on another as the same frame, by a descriptor in another ring.
 */
#include <err.h>
#include <errno.h>
#include <string.h>
#include <uvf/libuvf.h>

#include "port.h"

#define BURST 64

struct link {
	struct uvf_dev *dev;
	struct uvf_frame tx[BURST];
	unsigned int queued;
};

static struct uvf *session;
static struct link links[CONFIG_PORTS];
static struct fw *core;

static struct frame wrap(const struct uvf_frame *frame)
{
	return (struct frame){
		.data = uvf__data(session, frame),
		.addr = frame->addr,
		.len = frame->len,
		.room = uvf__room(session, frame),
	};
}

static struct uvf_frame unwrap(const struct frame *frame)
{
	return (struct uvf_frame){ .addr = frame->addr, .len = frame->len };
}

bool frame_alloc(struct frame *frame)
{
	struct uvf_frame raw;

	if (!uvf__alloc(session, &raw, 1))
		return false;
	*frame = wrap(&raw);
	return true;
}

void frame_free(const struct frame *frame)
{
	struct uvf_frame raw = unwrap(frame);

	uvf__free(session, &raw, 1);
}

/* What the ring refuses is lost, as it is on any wire that is too slow. */
static void flush(struct port *port, struct link *link)
{
	unsigned int sent = uvf_dev__tx(link->dev, link->tx, link->queued);

	port->tx_full += link->queued - sent;
	uvf__free(session, link->tx + sent, link->queued - sent);
	link->queued = 0;
}

void frame_send(unsigned int out, const struct frame *frame)
{
	if (links[out].queued == BURST)
		flush(&core->port[out], &links[out]);
	links[out].tx[links[out].queued++] = unwrap(frame);
}

void ports_flush(struct fw *fw)
{
	for (unsigned int i = 0; i < fw->ports; i++)
		if (links[i].queued)
			flush(&fw->port[i], &links[i]);
}

/* A packet has to fit in a frame of the UMEM, whatever the uplink could carry. */
static int set_mtu(struct port *port, const struct uvf_dev_info *info)
{
	struct frame frame;
	uint32_t most;

	if (!frame_alloc(&frame)) {
		warnx("%s: no frame is free", info->name);
		return -1;
	}
	most = frame.room - sizeof(struct eth);
	port->mtu = info->mtu < most ? info->mtu : most;
	frame_free(&frame);
	if (port->mtu >= IP_MIN_MTU && frame.room >= FRAME_ROOM_MIN)
		return 0;
	warnx("%s: an MTU of %u is less than the %u that IPv4 asks for", info->name, port->mtu,
	      IP_MIN_MTU);
	return -1;
}

static int open_port(struct port *port, struct link *link, const char *name)
{
	const struct uvf_dev_info *info;

	if (uvf_dev__open(&link->dev, session, name)) {
		warnx("%s", uvf__why());
		return -1;
	}
	info = uvf_dev__info(link->dev);
	memcpy(port->mac, info->mac, MAC_SIZE);
	return set_mtu(port, info);
}

int ports_open(struct fw *fw)
{
	core = fw;
	if (uvf__open(&session, NULL)) {
		warnx("%s", uvf__why());
		return -1;
	}
	for (unsigned int i = 0; i < fw->ports; i++)
		if (open_port(&fw->port[i], &links[i], fw->config->port[i].name))
			return -1;
	return 0;
}

/* The session closes its functions, but only it knows that a failed open left none. */
void ports_close(void)
{
	uvf__close(session);
	session = NULL;
}

unsigned int ports_poll(struct fw *fw)
{
	struct uvf_frame raw[BURST];
	unsigned int n, sum = 0;

	for (unsigned int i = 0; i < fw->ports; i++) {
		n = uvf_dev__rx(links[i].dev, raw, BURST);
		for (unsigned int k = 0; k < n; k++) {
			struct frame frame = wrap(&raw[k]);

			fw_input(fw, i, &frame);
		}
		sum += n;
	}
	ports_flush(fw);
	return sum;
}

int ports_wait(int timeout_ms)
{
	int err = uvf__wait(session, timeout_ms);

	if (err >= 0 || err == -EINTR)
		return 0;
	warnx("%s", uvf__why());
	return err == -EPIPE ? 0 : -1; /* uvfd was killed; the rings outlive it */
}

void ports_read_stats(struct fw *fw)
{
	struct uvf_dev_stats stats;

	for (unsigned int i = 0; i < fw->ports; i++) {
		if (uvf_dev__stats(links[i].dev, &stats))
			continue; /* the last ones stay */
		fw->port[i].ring.dropped = stats.rx_dropped;
		fw->port[i].ring.full = stats.rx_ring_full;
		fw->port[i].ring.no_frame = stats.rx_no_frame;
		fw->port[i].ring.invalid = stats.tx_invalid;
	}
}
