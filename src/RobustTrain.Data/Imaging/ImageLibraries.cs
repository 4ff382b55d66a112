using System.Reflection;
using System.Runtime.InteropServices;

namespace RobustTrain.Data.Imaging;

/// <summary>Finds the decoding libraries of the machine.</summary>
public static class ImageLibraries
{
    static ImageLibraries() => NativeLibrary.SetDllImportResolver(typeof(ImageLibraries).Assembly, Resolve);

    /// <summary>Makes sure that images of a format can be decoded here.</summary>
    /// <exception cref="DllNotFoundException">The library is not installed; the message says how to install it.</exception>
    public static void Require(ImageFormat format)
    {
        if (format == ImageFormat.Jpeg && TurboJpeg.Library == 0)
            throw new DllNotFoundException("libturbojpeg, which decodes JPEG, was not found; on Debian and Ubuntu: apt-get install libturbojpeg0.");
        if (format == ImageFormat.Png && Spng.Library == 0)
            throw new DllNotFoundException("libspng, which decodes PNG, was not found; on Debian and Ubuntu: apt-get install libspng0.");
    }

    private static nint Resolve(string name, Assembly assembly, DllImportSearchPath? search) => name switch
    {
        TurboJpegNative.Library => TurboJpeg.Library,
        SpngNative.Library => Spng.Library,
        _ => 0,
    };

    private static nint Find(string linux, string mac, string windows)
    {
        string name = OperatingSystem.IsWindows() ? windows : OperatingSystem.IsMacOS() ? mac : linux;
        return NativeLibrary.TryLoad(name, out nint library) || NativeLibrary.TryLoad(name, typeof(ImageLibraries).Assembly, null, out library) ? library : 0;
    }

    // Each is looked for when it is first needed, by the runtime's own initialisation of a class.
    private static class TurboJpeg
    {
        public static readonly nint Library = Find("libturbojpeg.so.0", "libturbojpeg.0.dylib", "turbojpeg.dll");
    }

    private static class Spng
    {
        public static readonly nint Library = Find("libspng.so.0", "libspng.0.dylib", "spng.dll");
    }
}
