/* SPDX-License-Identifier: GPL-2.0-only */
/* The generic NIC: what its rooms share. Who carries it includes transport.h alone. */
#ifndef UVF_NIC_NIC_H
#define UVF_NIC_NIC_H

#include <endian.h>
#include <string.h>

#include "model.h"
#include "transport.h"

#define NIC_CONFIG 256
#define NIC_ONES UINT64_MAX
#define NIC_BUDGET 256 /* descriptors and segments of an entry point, and the last frame's */
#define NIC_PARTS 256 /* descriptors of a frame */
#define NIC_FRAME_MIN 14
#define NIC_FRAME_PADDED 60 /* without CRC: IEEE 802.3, 4.2.3.3 */
#define NIC_FRAME_MAX 65535u
#define NIC_CRC 4
#define NIC_HEADERS 256 /* bytes of a segment's headers, at most */
#define NIC_SEGMENTS 1024

struct script;
struct module;

/* What a NIC is. */
struct personality {
	char name[MODEL_NAME];
	char path[4096];
	struct model *model;
	struct script *script; /* NULL: none, or it was ended */
	struct module *module; /* NULL: none */
};

/* How the frames that follow a context are sent. */
struct context {
	uint32_t ip_start, ip_at, ip_end, l4_start, l4_at, l4_end;
	uint32_t segment_size, header_size, payload_size;
	bool tcp;
};

struct ring {
	const struct model_ring *model;
	uint32_t at; /* RING_OWN, RING_SLOTS: the next one; RING_BYTES: where to write */
	uint32_t segments; /* of the frame at the ring's head, that were sent */
	bool enabled;
	bool broken; /* makes no sense, until it is programmed anew */
	bool skipping; /* what is left of a frame that was dropped */
	struct context context[2]; /* for frames as they are, and for those that are cut */
};

/* A frame that is to be sent, in guest memory still. */
struct outgoing {
	unsigned int n;
	uint64_t len;
	bool bad; /* is not to be sent */
	const struct model_layout *layout; /* of its first descriptor */
	struct {
		uint64_t at; /* of the descriptor; RING_SLOTS: its number */
		const struct model_layout *layout;
		uint64_t address;
		uint32_t len;
		uint8_t bytes[MODEL_DESCRIPTOR + 8];
	} part[NIC_PARTS];
};

struct vector_entry { /* of the MSI-X table: PCI 3.0, 6.8.2 */
	uint64_t address;
	uint32_t data;
	uint32_t control;
};

struct vectors {
	bool intx; /* asserted */
	uint64_t pending;
	struct vector_entry table[MODEL_VECTORS];
};

/*
 * What a NIC is at a moment, in one piece: it may lie in memory that outlives the process
 * (nic_keep()). What registers hold follows, space by space, and what a shared object keeps.
 */
struct nic_state {
	uint64_t magic;
	uint64_t description; /* a sum of what the spaces and rings are */
	char name[MODEL_NAME];
	uint64_t asserted; /* causes that were seen pending and unmasked */
	uint64_t throttled_until;
	uint64_t timer; /* of the script; UINT64_MAX: none */
	bool deferred;
	uint8_t config[NIC_CONFIG];
	struct vectors vectors;
	struct ring ring[MODEL_RINGS];
};

struct nic {
	/* every access and frame */
	const struct nic_transport *ops;
	void *ctx;
	struct personality *personality; /* NULL: none */
	const struct model *model; /* its, or NULL */
	struct nic_state *state; /* NULL: there is no personality */
	uint8_t *value[MODEL_SPACES]; /* what registers hold, by space; of the state */
	uint8_t *script_acts; /* by register: SCRIPT_READ, SCRIPT_WRITE */
	bool kicked; /* rings are to be run */
	bool left; /* there is more to do: nic_poll() */
	bool waits; /* for room */
	bool up;
	struct nic_counters counters;

	/* config space */
	const struct model_capability *msi, *msix;
	uint8_t config_write[NIC_CONFIG]; /* bits that can be written */
	struct nic_state *own; /* where the state is, if it is nowhere else */

	uint8_t mac[NIC_MAC];
	uint64_t said; /* when the last sentences were said, and how many in this second */
	unsigned int says;
	struct outgoing outgoing;
};

/* --- dma.c: guest memory. False: some of it is nowhere; counted, and what is there is done ---- */

bool dma_read(struct nic *nic, uint64_t at, void *to, uint64_t len);
bool dma_write(struct nic *nic, uint64_t at, const void *from, uint64_t len);

/* --- register.c ------------------------------------------------------------------------------- */

#define SCRIPT_READ 1
#define SCRIPT_WRITE 2

/* An access to a space: whole registers, parts of them, several, or none. */
void space_access(struct nic *nic, unsigned int space, uint32_t offset, unsigned int width,
		  bool write, uint64_t *value);
/* As the device itself sees them: masks do not hold, and nothing is set off. */
uint64_t register_get(const struct nic *nic, struct model_ref ref);
void register_set(struct nic *nic, struct model_ref ref, uint64_t value);
/* Where an element is, and what may follow it. */
uint8_t *register_bytes(const struct nic *nic, struct model_ref ref, uint32_t *left);
bool condition_holds(const struct nic *nic, const struct model_condition *condition);
bool conditions_hold(const struct nic *nic, const struct model_conditions *all);
bool conditions_any(const struct nic *nic, const struct model_conditions *any);
uint64_t cases_get(const struct nic *nic, const struct model_cases *cases, uint64_t otherwise);
void registers_reset(struct nic *nic, bool all);

/* --- space.c: who owns an address of a BAR ---------------------------------------------------- */

/* --- pci.c: config space ---------------------------------------------------------------------- */

void pci_make(struct nic *nic);
uint32_t pci_get(const struct nic *nic, unsigned int at, unsigned int width);

/* --- vector.c: where an interrupt goes -------------------------------------------------------- */

void vectors_reset(struct nic *nic);
/* The line, while neither MSI nor MSI-X is enabled. */
void vector_line(struct nic *nic, bool asserted);
void vector_fire(struct nic *nic, unsigned int vector);
bool vectors_are_messages(const struct nic *nic);
/* After config space was written: what waited goes out, or the line is taken back. */
void vectors_configured(struct nic *nic);
/* An access to the MSI-X table or its pending bits; false: it is none. */
bool vector_access(struct nic *nic, unsigned int bar, uint64_t offset, unsigned int width,
		   bool write, uint64_t *value);

/* --- cause.c: what the device has to say ------------------------------------------------------ */

void cause_raise(struct nic *nic, uint64_t bits);
void causes_update(struct nic *nic);
void causes_tick(struct nic *nic);

/* --- transmit.c, segment.c, receive.c, bytes.c ------------------------------------------------ */

void rings_reset(struct nic *nic);
/* Programmed anew: those that a write to @reg concerns begin at their beginning. */
void rings_rebase(struct nic *nic, int reg);
void rings_run(struct nic *nic);
void ring_break(struct nic *nic, struct ring *ring, const char *why);
/* Where descriptor @index is, and how many there are; 0: the ring makes no sense. */
uint32_t ring_entries(struct nic *nic, struct ring *ring, const struct model_layout *layout);
uint64_t ring_base(const struct nic *nic, const struct ring *ring);
/* Writes what has been: all but the byte of the done or own bit, then that one. */
void descriptor_complete(struct nic *nic, const struct ring *ring, uint64_t at,
			 const struct model_layout *layout, uint8_t *bytes);
/* Out it goes, past counters and scripts. @room is given back in any case. */
void frame_out(struct nic *nic, uint8_t *room, uint32_t size, uint32_t len);
/* Copies [@from, @from + @len) of a frame. */
bool outgoing_copy(struct nic *nic, const struct outgoing *frame, uint64_t from, uint8_t *to,
		   uint32_t len);
/* 1: sent; 0: no room, some segments may have gone; -1: it can't be */
int segments_send(struct nic *nic, struct ring *ring, const struct outgoing *frame);
/* A tag in front of the type, if there is room. Returns the length. */
uint32_t tag_insert(uint8_t *room, uint32_t size, uint32_t len, uint16_t tag);
/* Whether the frame is to have one, as the descriptor of these bytes says. */
bool tag_wanted(const struct nic *nic, const struct ring *ring, const struct outgoing *frame,
		const uint8_t *bytes);
void checksum_insert(uint8_t *frame, uint32_t len, uint32_t start, uint32_t at, uint32_t end);

struct incoming {
	const uint8_t *bytes;
	uint32_t len;
	uint8_t crc[4];
	uint32_t total; /* with the CRC, where the guest has it */
	bool unicast, multicast, broadcast, hashed, tagged;
	uint16_t tag;
	uint8_t padded[NIC_FRAME_PADDED]; /* what was too short for a wire */
};
void incoming_copy(const struct incoming *frame, uint32_t from, uint8_t *to, uint32_t len);
/* Copies a piece into guest memory. */
bool incoming_write(struct nic *nic, const struct incoming *frame, uint32_t from, uint64_t at,
		    uint32_t len);
void fields_received(const struct model_layout *layout, uint8_t *bytes,
		     const struct incoming *frame);
bool bytes_fit(struct nic *nic, struct ring *ring, uint32_t len);
void bytes_receive(struct nic *nic, struct ring *ring, const struct incoming *frame);
/* The guest has read. */
void bytes_update(struct nic *nic, struct ring *ring);
/* The guest says that it has read. */
void bytes_told(struct nic *nic, struct ring *ring);

/* --- filter.c, count.c, crc.c ----------------------------------------------------------------- */

/* Whether a frame is for this NIC, and why. */
enum accepted {
	ACCEPTED_NOT,
	ACCEPTED_ANY, /* it takes all of its kind */
	ACCEPTED_ADDRESS, /* one of its addresses, or broadcast */
	ACCEPTED_HASH, /* and nothing else says so */
};
enum accepted filter_accepts(const struct nic *nic, const uint8_t *frame, uint32_t len);
void count_add(struct nic *nic, enum model_count what, uint64_t n);
void count_frame(struct nic *nic, bool in, const uint8_t *frame, uint32_t len);
void crc_init(void);
/* Of Ethernet: as it stands in memory behind a frame, little-endian. */
uint32_t crc_of(const void *bytes, uint32_t len);

/* --- nic.c ------------------------------------------------------------------------------------ */

/* By a register: config space, and registers that keep their values, are left. */
void nic_soft_reset(struct nic *nic);
__attribute__((format(printf, 2, 3))) void nic_say(struct nic *nic, const char *format, ...);

/* --- state.c ---------------------------------------------------------------------------------- */

/* A state, and where each space's registers are in it. 0 or -ENOMEM. */
int state_make(const struct model *model, struct nic_state **state, uint8_t **value);

/* --- personality.c ---------------------------------------------------------------------------- */

/* NULL, with complaints. */
struct personality *personality_load(const char *name, struct complaints *complaints);
void personality_free(struct personality *personality);
/* Whether a script, which may be NULL, has functions for a register. */
bool script_has(const struct script *script, unsigned int reg);

/* --- fields of descriptors -------------------------------------------------------------------- */

static inline uint64_t little_get(const uint8_t *at, unsigned int width)
{
	uint64_t value = 0;

	switch (width) { /* of a known size, it is one instruction */
	case 8:
		memcpy(&value, at, 8);
		break;
	case 4:
		memcpy(&value, at, 4);
		break;
	default:
		memcpy(&value, at, width);
	}
	return le64toh(value);
}

static inline void little_put(uint8_t *at, unsigned int width, uint64_t value)
{
	value = htole64(value);
	switch (width) {
	case 8:
		memcpy(at, &value, 8);
		break;
	case 4:
		memcpy(at, &value, 4);
		break;
	default:
		memcpy(at, &value, width);
	}
}

/* Bits of @width bytes. */
static inline uint64_t width_mask(unsigned int width)
{
	return width >= 8 ? UINT64_MAX : (1ULL << 8 * width) - 1;
}

static inline bool field_is(const struct model_layout *layout, enum model_meaning meaning)
{
	return layout->field[meaning].width;
}

/* Of a descriptor with eight bytes to spare behind it. */
static inline uint64_t field_read(const struct model_field *field, const uint8_t *bytes)
{
	return little_get(bytes + field->byte, 8) >> field->shift & field->mask;
}

static inline void field_write(const struct model_field *field, uint8_t *bytes, uint64_t value)
{
	uint64_t all = little_get(bytes + field->byte, 8);

	all &= ~(field->mask << field->shift);
	little_put(bytes + field->byte, 8, all | (value & field->mask) << field->shift);
}

static inline uint64_t field_get(const struct model_layout *layout, enum model_meaning meaning,
				 const uint8_t *bytes)
{
	return field_is(layout, meaning) ? field_read(&layout->field[meaning], bytes) : 0;
}

static inline void field_put(const struct model_layout *layout, enum model_meaning meaning,
			     uint8_t *bytes, uint64_t value)
{
	if (field_is(layout, meaning))
		field_write(&layout->field[meaning], bytes, value + layout->field[meaning].add);
}

#endif /* UVF_NIC_NIC_H */
