namespace RobustTrain.Data.Samples;

/// <summary>How the world looks on one of the two dates; none of it is a change.</summary>
/// <param name="IsSecond">Which date.</param>
/// <param name="ShiftX">The camera's shift in pixels.</param>
/// <param name="ShiftY">The camera's shift in pixels.</param>
/// <param name="SunX">The direction of shadows, of length 1.</param>
/// <param name="SunY">The direction of shadows, of length 1.</param>
/// <param name="ShadowLength">Pixels of shadow for each pixel of height.</param>
/// <param name="Light">The colour of the light, about 1.</param>
/// <param name="Haze">The share of white haze, 0 to 0.2.</param>
/// <param name="Season">0 spring, 1 summer, 2 autumn.</param>
/// <param name="Noise">The deviation of the camera's noise.</param>
internal sealed record SceneDate(bool IsSecond, float ShiftX, float ShiftY, float SunX, float SunY, float ShadowLength, Rgb Light, float Haze, int Season, float Noise);
