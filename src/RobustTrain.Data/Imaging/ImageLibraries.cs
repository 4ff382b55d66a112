using System.Reflection;
using System.Runtime.InteropServices;

namespace RobustTrain.Data.Imaging;

/// <summary>Finds libjpeg-turbo. On Windows, where no package manager brings it, SkiaSharp decodes JPEG where it is not found.</summary>
public static class ImageLibraries
{
    static ImageLibraries() => NativeLibrary.SetDllImportResolver(typeof(ImageLibraries).Assembly, Resolve);

    /// <summary>Whether libjpeg-turbo is here.</summary>
    internal static bool HasTurboJpeg => TurboJpeg.Library != 0;

    /// <summary>Makes sure that images of a format can be decoded here.</summary>
    /// <exception cref="DllNotFoundException">The library is not installed; the message says how to install it.</exception>
    public static void Require(ImageFormat format)
    {
        if (format == ImageFormat.Jpeg && !HasTurboJpeg && !OperatingSystem.IsWindows())
            throw new DllNotFoundException("libturbojpeg, which decodes JPEG, was not found; on Debian and Ubuntu: apt-get install libturbojpeg0.");
    }

    private static nint Resolve(string name, Assembly assembly, DllImportSearchPath? search) => name == TurboJpegNative.Library ? TurboJpeg.Library : 0;

    private static nint Find(string name) =>
        NativeLibrary.TryLoad(name, out nint library) || NativeLibrary.TryLoad(name, typeof(ImageLibraries).Assembly, null, out library) ? library : 0;

    // Looked for when it is first needed, by the runtime's own initialisation of a class.
    private static class TurboJpeg
    {
        public static readonly nint Library = Find(
            OperatingSystem.IsWindows() ? "turbojpeg.dll" : OperatingSystem.IsMacOS() ? "libturbojpeg.0.dylib" : "libturbojpeg.so.0");
    }
}
