// Barriers: the next task needs all items of a channel at once, or waits for another.

/**
 * Collects a channel into one list, sorted by the key of each item: the list is part of the next tasks' cache keys, so its order must not
 * depend on which task finished first. If a task has failed and the list is incomplete, emits nothing, so that nothing is computed from it.
 * @param items queue channel
 * @param count value channel: the item count of a complete list
 * @param key closure: item -> sort key
 * @return value channel: the complete list
 */
def barrier(items, count, key) {
    return items
        .toSortedList { a, b -> key.call(a) <=> key.call(b) }
        .map { list -> [list] }
        .combine(count)
        .filter { list, expected -> list.size() == expected }
        .map { list, _expected -> list }
        .first()
}

/**
 * Holds a channel back until another has emitted, for example a plan that the budget allows.
 * @param items channel
 * @param gate value channel
 * @return the items
 */
def after(items, gate) {
    // The list around each item keeps `combine` from spreading items that are lists, of which an empty one would be lost.
    return items.map { item -> [item] }.combine(gate).map { item, _gate -> item }
}
