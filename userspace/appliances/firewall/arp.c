// SPDX-License-Identifier: GPL-2.0-only
/* ARP: RFC 826, with the checks of RFC 5227. */
#include <arpa/inet.h>
#include <string.h>

#include "fw.h"

#define ARP_SIZE (sizeof(struct eth) + sizeof(struct arp))

static const uint8_t broadcast[MAC_SIZE] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
static const uint8_t unknown[MAC_SIZE];

static struct arp *arp_of(struct frame *frame)
{
	return (struct arp *)(frame->data + sizeof(struct eth));
}

/* Ask for the MAC of @addr: everybody, or the one that had it, at @mac. */
void arp_request(struct fw *fw, unsigned int out, uint32_t addr, const uint8_t *mac)
{
	struct port *port = &fw->port[out];
	struct frame frame;
	struct eth *eth;

	if (!frame_alloc(&frame))
		return; /* the next tick asks again */
	frame.len = ARP_SIZE;
	eth = eth_of(frame.data);
	memcpy(eth->dst, mac ? mac : broadcast, MAC_SIZE);
	memcpy(eth->src, port->mac, MAC_SIZE);
	eth->type = htons(ETH_TYPE_ARP);
	*arp_of(&frame) = (struct arp){
		.hrd = htons(ARP_HRD_ETHERNET),
		.pro = htons(ETH_TYPE_IP),
		.hln = MAC_SIZE,
		.pln = sizeof(__be32),
		.op = htons(ARP_REQUEST),
		.spa = htonl(port->addr),
		.tpa = htonl(addr),
	};
	memcpy(arp_of(&frame)->sha, port->mac, MAC_SIZE);
	port->arp_requests++;
	port->tx_frames++;
	port->tx_bytes += frame.len;
	frame_send(out, &frame);
}

/* The request becomes the reply where it lies. */
static void reply(struct port *port, unsigned int out, struct frame *frame)
{
	struct eth *eth = eth_of(frame->data);
	struct arp *arp = arp_of(frame);

	memcpy(eth->dst, arp->sha, MAC_SIZE);
	memcpy(eth->src, port->mac, MAC_SIZE);
	arp->op = htons(ARP_REPLY);
	memcpy(arp->tha, arp->sha, MAC_SIZE);
	arp->tpa = arp->spa;
	memcpy(arp->sha, port->mac, MAC_SIZE);
	arp->spa = htonl(port->addr);
	frame->len = ARP_SIZE;
	port->tx_frames++;
	port->tx_bytes += frame->len;
	frame_send(out, frame);
}

static bool valid(const struct arp *arp)
{
	return arp->hrd == htons(ARP_HRD_ETHERNET) && arp->pro == htons(ETH_TYPE_IP) &&
	       arp->hln == MAC_SIZE && arp->pln == sizeof(__be32) && !(arp->sha[0] & 1) &&
	       memcmp(arp->sha, unknown, MAC_SIZE);
}

static bool neighbour(const struct port_config *port, uint32_t addr)
{
	uint32_t host = addr & ~port->mask;

	if ((addr ^ port->addr) & port->mask)
		return false;
	return port->prefix > 30 || (host && host != ~port->mask);
}

void arp_input(struct fw *fw, unsigned int in, struct frame *frame)
{
	struct port *port = &fw->port[in];
	const struct arp *arp = arp_of(frame);
	uint32_t sender, target;
	bool probe;

	if (frame->len < ARP_SIZE)
		return drop(fw, frame, DROP_SHORT);
	if (!valid(arp))
		return drop(fw, frame, DROP_ARP);
	sender = ntohl(arp->spa);
	target = ntohl(arp->tpa);
	if (sender == port->addr)
		return drop(fw, frame, DROP_ARP_CONFLICT);
	probe = !sender && arp->op == htons(ARP_REQUEST); /* RFC 5227: asks, and tells nothing */
	if (!probe && !neighbour(&fw->config->port[in], sender))
		return drop(fw, frame, DROP_ARP);

	if (target == sender) {
		neigh_announced(fw, in, sender, arp->sha);
	} else if (target != port->addr) {
		return drop(fw, frame, DROP_ARP);
	} else if (arp->op == htons(ARP_REPLY)) {
		neigh_reply(fw, in, sender, arp->sha);
	} else if (arp->op == htons(ARP_REQUEST)) {
		if (!probe)
			neigh_learn(fw, in, sender, arp->sha);
		port->local++;
		return reply(port, in, frame);
	} else {
		return drop(fw, frame, DROP_ARP);
	}
	port->local++;
	frame_free(frame);
}
