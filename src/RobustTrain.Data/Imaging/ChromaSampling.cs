namespace RobustTrain.Data.Imaging;

/// <summary>How many samples of colour a JPEG in planes has.</summary>
internal enum ChromaSampling
{
    /// <summary>One for each pixel (4:4:4).</summary>
    Full,

    /// <summary>One for two pixels side by side (4:2:2).</summary>
    Half,

    /// <summary>One for a square of four pixels (4:2:0).</summary>
    Quarter,
}
