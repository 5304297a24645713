// Prints the outputs of a process as lines that test/pipeline/modules.test.ts reads.

/** Prints one JSON line for each value of each channel; files by their names. @param outputs map: channels of the process by name */
def show(outputs) {
    outputs.each { name, values ->
        values.subscribe { value -> println("emitted ${groovy.json.JsonOutput.toJson([channel: name, value: plain(value)])}") }
    }
}

def plain(value) {
    if (value instanceof Path) {
        return value.name
    }
    return value instanceof List ? value.collect { item -> plain(item) } : value
}
