// The C side of axi_native_memory: pages of the platform's RAM, and what the RTL waits for.
//
// The RTL calls the functions that axi_native_pkg.sv imports; Python (hdl_bridge/native.py) calls
// those named native_host_*. Both are on the simulator's one thread.

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <deque>
#include <vector>

namespace {

enum class Kind : int32_t { burst = 1, beat = 2, response = 3, end = 4, cut = 5, page_free = 6, last = 7 };
enum class Answer : int32_t { pending = 0, page = 1, beats = 2 };

constexpr int ports = 16;
constexpr int words = 16;  // of 64 bits, in the widest beat
constexpr uint8_t okay = 0;
constexpr uint8_t slave_error = 2;

// What Python has to do next. The layout is known to hdl_bridge/native.py.
struct Request {
    int32_t kind;
    int32_t direction;
    uint64_t address;
    uint64_t user;
    uint32_t beats;
    uint32_t beat_bytes;
    uint32_t burst;
    uint32_t handle;
    uint32_t beat;  // counted from 1
    uint32_t wlast;
    uint64_t data[words];
    uint8_t strobe[words];
};

// The one burst of a direction that is not served from a page.
struct Channel {
    Answer answer = Answer::pending;
    uint8_t response = okay;
    uint32_t handle = 0;
    bool handle_taken = false;
    uint64_t data[words] = {};
    uint8_t strobe[words] = {};
};

struct Port {
    Channel channels[2];
    std::deque<Request> requests;
};

// Which instances have had a NativeMemory, or were told that they have none.
bool known[ports];

struct Page {
    uint8_t* memory = nullptr;
    uint32_t handle = 0;  // 0: not in use
    uint32_t uses = 0;
    int port = 0;
    bool open = false;    // new uses may begin
    bool aborted = false;
};

// A handle is an index into the pages and, above it, a count of how often that place was used.
constexpr uint32_t index_bits = 12;
constexpr uint32_t index_mask = (1u << index_bits) - 1;

Port all_ports[ports];
bool claimed[ports];
std::vector<Page> pages(1);  // index 0 is nobody's
std::vector<uint32_t> free_places;

Page* find(uint32_t handle) {
    const uint32_t index = handle & index_mask;
    return index != 0 && index < pages.size() && pages[index].handle == handle ? &pages[index]
                                                                               : nullptr;
}

void clear(Page& page) {
    const uint32_t handle = page.handle;
    page = Page{};
    free_places.push_back(handle);
}

Channel& channel(int port, int direction) { return all_ports[port].channels[direction]; }

Request& ask(int port, int direction, Kind kind) {
    channel(port, direction).answer = Answer::pending;
    Request request{};
    request.kind = static_cast<int32_t>(kind);
    request.direction = direction;
    return all_ports[port].requests.emplace_back(request);
}

bool tell_if_free(const Page& page) {
    if (page.open || page.uses != 0) return false;
    Request request{};
    request.kind = static_cast<int32_t>(Kind::page_free);
    request.handle = page.handle;
    all_ports[page.port].requests.push_back(request);
    return true;
}

}  // namespace

#define EXPORTED extern "C" __attribute__((visibility("default")))

// --- called by the RTL: its number

EXPORTED unsigned char native_claim(int port) {
    if (port < 0 || port >= ports || claimed[port]) return 0;
    claimed[port] = true;
    return 1;
}

// --- called by the RTL: pages

EXPORTED unsigned char native_acquire(uint32_t handle) {
    Page* page = find(handle);
    if (page == nullptr || !page->open) return 0;
    ++page->uses;
    return 1;
}

EXPORTED unsigned char native_release(uint32_t handle) {
    Page* page = find(handle);
    if (page == nullptr || page->uses == 0) return 0;
    --page->uses;
    return tell_if_free(*page);
}

EXPORTED unsigned char native_forget(uint32_t handle) {
    Page* page = find(handle);
    if (page == nullptr || !page->open) return 0;
    page->open = false;
    return tell_if_free(*page);
}

EXPORTED unsigned long long native_read(uint32_t handle, uint32_t offset, uint32_t bytes) {
    unsigned long long data = ~0ull;
    const Page* page = find(handle);
    if (page != nullptr && !page->aborted) std::memcpy(&data, page->memory + offset, bytes);
    return data;
}

EXPORTED void native_write(uint32_t handle, uint32_t offset, uint32_t bytes,
                           unsigned long long data, unsigned char strobe) {
    const Page* page = find(handle);
    if (page == nullptr || page->aborted) return;
    if (strobe == (1u << bytes) - 1) {
        std::memcpy(page->memory + offset, &data, bytes);
        return;
    }
    for (uint32_t byte = 0; byte < bytes; ++byte)
        if (strobe >> byte & 1) page->memory[offset + byte] = data >> 8 * byte;
}

EXPORTED unsigned char native_page_response(uint32_t handle) {
    const Page* page = find(handle);
    return page != nullptr && !page->aborted ? okay : slave_error;
}

// --- called by the RTL: what it asks Python for

EXPORTED void native_ask_burst(int port, int direction, unsigned long long address, uint32_t beats,
                               uint32_t beat_bytes, uint32_t burst, unsigned long long user) {
    if (!known[port])
        std::fprintf(stderr,
                     "axi_native_memory with PORT=%d: no hdl_bridge.native.NativeMemory answers for "
                     "its first burst\n",
                     port);
    known[port] = true;
    Request& request = ask(port, direction, Kind::burst);
    request.address = address;
    request.beats = beats;
    request.beat_bytes = beat_bytes;
    request.burst = burst;
    request.user = user;
}

EXPORTED void native_put_data(int port, int direction, uint32_t word, unsigned long long data,
                              unsigned char strobe) {
    channel(port, direction).data[word] = data;
    channel(port, direction).strobe[word] = strobe;
}

EXPORTED void native_ask_beat(int port, int direction, unsigned long long address,
                              uint32_t bytes) {
    Request& request = ask(port, direction, Kind::beat);
    request.address = address;
    request.beat_bytes = bytes;
    std::memcpy(request.data, channel(port, direction).data, sizeof request.data);
    std::memcpy(request.strobe, channel(port, direction).strobe, sizeof request.strobe);
}

EXPORTED void native_ask_response(int port, int direction) {
    ask(port, direction, Kind::response);
}

EXPORTED void native_tell_last(int port, int direction, unsigned long long address,
                               uint32_t beats, uint32_t beat_bytes, uint32_t burst, uint32_t beat,
                               unsigned char last) {
    Request request{};
    request.kind = static_cast<int32_t>(Kind::last);
    request.direction = direction;
    request.address = address;
    request.beats = beats;
    request.beat_bytes = beat_bytes;
    request.burst = burst;
    request.beat = beat;
    request.wlast = last;
    all_ports[port].requests.push_back(request);
}

EXPORTED void native_end(int port, int direction, unsigned char cut) {
    Channel& ended = channel(port, direction);
    if (ended.answer == Answer::page && !ended.handle_taken) {
        // No line holds the page, so that nobody would ever forget it.
        native_forget(ended.handle);
        native_release(ended.handle);
    }
    ask(port, direction, cut ? Kind::cut : Kind::end);
}

EXPORTED int native_answer(int port, int direction) {
    return static_cast<int>(channel(port, direction).answer);
}

EXPORTED uint32_t native_handle(int port, int direction) {
    channel(port, direction).handle_taken = true;
    return channel(port, direction).handle;
}

EXPORTED unsigned char native_response(int port, int direction) {
    return channel(port, direction).response;
}

EXPORTED unsigned long long native_get_data(int port, int direction, uint32_t word) {
    return channel(port, direction).data[word];
}

// --- called by Python

// Start over: nothing is asked, and no page that was granted before is valid.
EXPORTED void native_host_open(int port) {
    all_ports[port] = Port{};
    known[port] = true;
    for (Page& page : pages)
        if (page.handle != 0 && page.port == port) clear(page);
}

// The next thing to do; 0 if there is none.
EXPORTED int native_host_next(int port, Request* request) {
    std::deque<Request>& requests = all_ports[port].requests;
    if (requests.empty()) return 0;
    *request = requests.front();
    requests.pop_front();
    return 1;
}

// Answer a burst with a page: its handle, or 0 if there are too many.
EXPORTED uint32_t native_host_grant(int port, int direction, uint8_t* memory) {
    uint32_t handle;
    if (!free_places.empty()) {
        handle = free_places.back() + (1u << index_bits);
        free_places.pop_back();
    } else if (pages.size() <= index_mask) {
        handle = static_cast<uint32_t>(pages.size());
        pages.emplace_back();
    } else {
        return 0;
    }
    Page& page = pages[handle & index_mask];
    page.memory = memory;
    page.handle = handle;
    page.uses = 1;
    page.port = port;
    page.open = true;
    Channel& asking = channel(port, direction);
    asking.answer = Answer::page;
    asking.handle = handle;
    asking.handle_taken = false;
    return handle;
}

// Answer anything else that was asked; `data` may be null.
EXPORTED void native_host_answer(int port, int direction, int answer, unsigned char response,
                                 const uint8_t* data, uint32_t bytes) {
    Channel& asking = channel(port, direction);
    asking.answer = static_cast<Answer>(answer);
    asking.response = response;
    if (data != nullptr) std::memcpy(asking.data, data, bytes);
}

// Call a page back; how many bursts still use it.
EXPORTED uint32_t native_host_recall(uint32_t handle, int aborted) {
    Page* page = find(handle);
    if (page == nullptr) return 0;
    page->open = false;
    page->aborted = aborted != 0;
    return page->uses;
}

// Take a page back that nobody uses.
EXPORTED void native_host_free(uint32_t handle) {
    Page* page = find(handle);
    if (page != nullptr) clear(*page);
}
