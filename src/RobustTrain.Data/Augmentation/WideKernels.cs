namespace RobustTrain.Data.Augmentation;

/// <summary>
/// Says when the kernels for wide vectors are compiled, which ahead-of-time compilation knows nothing of: it takes as long as decoding a
/// first batch, which therefore goes without them. The samples' bits are the same with and without.
/// </summary>
internal static class WideKernels
{
    private const int FirstImages = 64;

    // What is compiled is the process's, and so is this.
    private static int _images;
    private static volatile bool _arePlanesQuicker;

    /// <summary>Whether a JPEG's planes are converted quicker here than by libjpeg-turbo.</summary>
    public static bool ArePlanesQuicker => _arePlanesQuicker;

    /// <summary>Counts an image that went without; the last of the first ones waits for the compilation, and no other.</summary>
    public static void Count()
    {
        if (_images < FirstImages && Interlocked.Increment(ref _images) == FirstImages)
            Compile();
    }

    /// <summary>Compiles them.</summary>
    public static void Compile()
    {
        PixelKernels.Widen();
        if (!PlaneKernels.IsWorthwhile)
            return;
        PlaneKernels.Compile();
        _arePlanesQuicker = true;
    }
}
