import groovy.json.JsonException
import groovy.json.JsonSlurper
import java.nio.file.Path
import nextflow.Nextflow

/**
 * Reads the JSON files of the workers that the pipeline's head needs. A damaged file stops the run with a message that names the file and
 * the field.
 */
class Documents {

    /** Reads a JSON object. @param what kind of the document @param remedy what to do if it is damaged */
    static Map read(Path file, String what, String remedy) {
        return parse(file.getText('UTF-8'), file.toUriString(), what, remedy)
    }

    static Map parse(String text, String where, String what, String remedy) {
        def value = null
        try {
            value = new JsonSlurper().parseText(text)
        }
        catch (JsonException | IllegalArgumentException _problem) {
            // Reported below.
        }
        require(value instanceof Map, "${where}: this ${what} is damaged: not a JSON object. ${remedy}")
        return value as Map
    }

    static void require(boolean condition, Object message) {
        if (!condition) Nextflow.error(message.toString())
    }

    /** Returns whether a value is a whole number from `least`. */
    static boolean isWhole(Object value, long least = 0) {
        return (value instanceof Integer || value instanceof Long) && value >= least
    }

    static boolean isText(Object value) {
        return value instanceof CharSequence && value.length() > 0
    }
}
