// Spoils an image with an artefact of magnetic resonance, to see what a model makes of it: reads a NIfTI file into
// memory, spoils it, writes it, and prints what was applied.
//
//     javac -cp jna.jar -d classes Coopseg.java Artefact.java
//     java -cp jna.jar:classes -Djna.library.path=PREFIX/lib Artefact IMAGE ARTEFACT SEED SPOILED
//
// IMAGE is a NIfTI file, ARTEFACT a JSON object such as {"ghosting": {"severity": 3}}, SEED a whole number, SPOILED the
// NIfTI file to write, PREFIX where coopseg is installed. What is printed, given as ARTEFACT, makes the same image
// again, with any seed. Exit code: 0 when everything worked; 1 when something failed.

import com.sun.jna.Memory;
import com.sun.jna.Pointer;
import com.sun.jna.ptr.PointerByReference;

public final class Artefact {
    private static final Coopseg COOPSEG = Coopseg.INSTANCE;

    /** Writes the spoiled image and returns what was applied. */
    private static String spoil(Pointer volume, String artefact, long seed, String spoiledFile) {
        Coopseg.Image image = new Coopseg.Image();
        Coopseg.check(COOPSEG.coopseg_volume_image(volume, image));
        long bytes = image.count() * Float.BYTES;
        Memory spoiled = new Memory(bytes);
        PointerByReference applied = new PointerByReference();
        Coopseg.check(COOPSEG.coopseg_artefact_simulate(
                image, artefact, seed, Coopseg.Buffer.of(image, Coopseg.F32, spoiled, bytes), applied));
        String parameters = applied.getValue().getString(0, "UTF-8");
        Coopseg.check(COOPSEG.coopseg_string_free(applied.getValue()));

        // The spoiled image lies where the image lies.
        image.dtype = Coopseg.F32;
        image.data = spoiled;
        image.data_size = bytes;
        Coopseg.check(COOPSEG.coopseg_image_write(image, spoiledFile));
        return parameters;
    }

    public static void main(String[] arguments) {
        if (arguments.length != 4) {
            System.err.println("usage: Artefact IMAGE ARTEFACT SEED SPOILED");
            System.exit(1);
        }
        PointerByReference volume = new PointerByReference();
        int code = 0;
        try {
            Coopseg.checkVersion();
            Coopseg.check(COOPSEG.coopseg_volume_read(arguments[0], volume));
            long seed = Long.parseUnsignedLong(arguments[2]);
            System.out.println(spoil(volume.getValue(), arguments[1], seed, arguments[3]));
        } catch (NumberFormatException problem) {
            System.err.println("Artefact: the seed is " + arguments[2] + "; expected a whole number from 0");
            code = 1;
        } catch (IllegalStateException problem) {
            System.err.println("Artefact: " + problem.getMessage());
            code = 1;
        } finally {
            // NULL, where nothing was read, does nothing.
            COOPSEG.coopseg_volume_free(volume.getValue());
        }
        System.exit(code);
    }
}
