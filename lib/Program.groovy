/** Runs a program on the head's machine. */
class Program {

    /**
     * Runs a program without input and returns what it prints. Both of its outputs are read at once, so that neither fills up.
     * @param onFailure called with what it wrote to standard error, if it exits with another code than 0
     */
    static String output(ProcessBuilder builder, Closure onFailure) {
        def process = builder.start()
        process.outputStream.close()
        def messages = new StringBuilder()
        def listening = process.consumeProcessErrorStream(messages)
        def printed = process.inputStream.getText('UTF-8')
        def exit = process.waitFor()
        listening.join()
        if (exit != 0) onFailure(messages.toString().trim())
        return printed
    }
}
