/**
 * The formats that ffmpeg may read, under its names: containers and bare streams that hold their own sound. Left out are
 * those that name other files or addresses (hls, dash, concat, imf, sdp, sbg, avisynth, vobsub, webm_dash_manifest), that
 * open devices or make sound up (lavfi, alsa, v4l2 ...), pictures and sequences of pictures, subtitles and text. Each of
 * them could have some other file read, or never end, when a recording is only given to be transcribed.
 *
 * @see ffmpeg -demuxers; `format_whitelist` in ffmpeg-formats
 */
const BARE_STREAMS = `
  aa aac aax ac3 ace acm act adp ads adx aea afc aix alaw alp amr amrnb amrwb apc ape apm aptx aptx_hd argo_asf ast bit boa
  brstm bfstm codec2 codec2raw daud dcstr derf dfpwm dsf dss dts dtshd eac3 epaf f32be f32le f64be f64le flac fsb fwse g722 g723_1 g726 g726le g729 genh gsm hca hcom
  iec61883 ilbc ircam iss kvag laf loas mca mlp mmf mp3 mpc mpc8 msf mtaf mulaw musx nistsphere nsp oma osq paf pp_bnk pvf qcp qoa
  redspark rsd rso s16be s16le s24be s24le s32be s32le s8 s337m sbc sdr2 sds sdx shn sln sol sox spdif svag svs tak truehd tta u16be
  u16le u24be u24le u32be u32le u8 vag vidc voc vpk vqf w64 wav wsaud wsd wv wve xa xvag xwma`;
const CONTAINERS = `
  3dostr 4xm aiff argo_brp argo_cvg asf asf_o au avi avr avs caf dhav dv ea film_cpk flv gxf kux iff ifv ivr live_flv lmlm4 lxf matroska webm mgsts
  mm mov mp4 m4a 3gp 3g2 mj2 mods moflex mpeg mpegts mpegtsraw mtv mvi mxf mxg nsv nut nuv ogg pmp psxstr pva rl2 rm roq rpl siff
  smjpeg smk smush swf thp tmv ty vividas vivo vmd wtv xmv yop bink binka cdxl`;

/** As `-format_whitelist` takes them. */
export const FFMPEG_FORMATS = `${BARE_STREAMS} ${CONTAINERS}`.trim().split(/\s+/).join(',');

/** What a format that is not in the list is, for a message. */
export function refusedFormat(name: string): string {
  if (/^(hls|dash|webm_dash_manifest|concat|imf|sdp|rtp|rtsp|sap|sbg|vobsub|avisynth|vapoursynth)$/.test(name))
    return `a playlist (${name}): it names other files or addresses, and those are not read`;
  if (/_pipe$|^image2|^gif|^fits|_pix$/.test(name)) return `a picture or a sequence of them (${name})`;
  if (
    /^(lrc|srt|ass|webvtt|sami|scc|stl|subviewer1?|jacosub|microdvd|mpl2|mpsub|pjs|realtext|vplayer|aqtitle|sup|tty|ffmetadata)$/.test(
      name,
    )
  )
    return `a text or subtitles (${name})`;
  return `no recording but ${name}`;
}
