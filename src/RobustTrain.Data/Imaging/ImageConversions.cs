namespace RobustTrain.Data.Imaging;

/// <summary>What is done to an image's pixels so that they are 8-bit grey or RGB, and stand as a viewer shows them.</summary>
[Flags]
public enum ImageConversions
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>They are turned or mirrored by the EXIF orientation.</summary>
    Turned = 1,

    /// <summary>16 bits a channel are scaled to 8.</summary>
    ScaledTo8Bits = 2,

    /// <summary>The alpha channel, or a transparent colour, is dropped.</summary>
    AlphaDropped = 4,

    /// <summary>CMYK becomes RGB.</summary>
    CmykToRgb = 8,
}
