namespace RobustTrain.Data.Imaging;

/// <summary>The file formats that can be decoded, told apart by content.</summary>
public enum ImageFormat
{
    /// <summary>JPEG, by libjpeg-turbo.</summary>
    Jpeg,

    /// <summary>PNG, by libspng.</summary>
    Png,

    /// <summary>Windows bitmap, uncompressed.</summary>
    Bmp,
}
