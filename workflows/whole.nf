// A barrier: what must be there as a whole before the next task may start.

/**
 * All items of a channel as one list, in the order of what `key` gives of each: the list is part of the next tasks' cache keys, so its order must
 * not depend on which task ended first. Nothing comes where a task has failed and the list is short.
 */
def whole(items, count, key) {
    return items
        .toSortedList { a, b -> key(a) <=> key(b) }
        .map { list -> [list] }
        .combine(count)
        .filter { list, expected -> list.size() == expected }
        .map { list, _expected -> list }
}
