#include "furrow_week/picture.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace furrow::week {
namespace {

constexpr double width = 900, height = 420, left = 60, right = 20, top = 50, bottom = 50;

class plot {
 public:
  plot(double hours, double wa) : hours_{hours}, wa_{wa} {}
  [[nodiscard]] double x(double hours) const { return left + hours / hours_ * (width - left - right); }
  [[nodiscard]] double y(double wa) const { return height - bottom - wa / wa_ * (height - top - bottom); }

 private:
  double hours_, wa_;
};

void line(std::string& to, const plot& p, const std::vector<sample>& samples, double sample::*value,
          const char* style) {
  to += "<polyline fill=\"none\" ";
  to += style;
  to += " points=\"";
  for (const sample& s : samples) to += fmt::format("{:.1f},{:.1f} ", p.x(s.hours), p.y(s.*value));
  to += "\"/>\n";
}

}  // namespace

std::string picture(const std::string& title, const std::vector<sample>& samples) {
  double hours = 1, wa = 1;
  for (const sample& s : samples) {
    hours = std::max(hours, s.hours);
    wa = std::max({wa, s.wa, s.wa_so_far});
  }
  wa = std::ceil(wa + 0.25);
  const plot p{hours, wa};
  std::string svg = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} {}\" font-family=\"sans-serif\" font-size=\"12\">\n"
      "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n<text x=\"{}\" y=\"24\" font-size=\"15\">{}</text>\n",
      width, height, left, title);
  for (double at = 0; at <= wa; at += 1)
    svg += fmt::format(
        "<line x1=\"{}\" x2=\"{}\" y1=\"{:.1f}\" y2=\"{:.1f}\" stroke=\"#ddd\"/><text x=\"{}\" y=\"{:.1f}\" "
        "text-anchor=\"end\">{:.0f}</text>\n",
        left, width - right, p.y(at), p.y(at), left - 8, p.y(at) + 4, at);
  for (double day = 0; day * 24 <= hours; ++day)
    svg += fmt::format("<text x=\"{:.1f}\" y=\"{}\" text-anchor=\"middle\">day {:.0f}</text>\n", p.x(day * 24),
                       height - bottom + 18, day);
  line(svg, p, samples, &sample::wa, "stroke=\"#2a6fbb\" stroke-width=\"1\"");
  line(svg, p, samples, &sample::wa_so_far, "stroke=\"#c0392b\" stroke-width=\"2\"");
  svg += fmt::format(
      "<text x=\"{}\" y=\"40\" fill=\"#2a6fbb\">bytes written to data zones for each of the user's, by the "
      "hour</text>\n"
      "<text x=\"{}\" y=\"40\" fill=\"#c0392b\">since the beginning</text>\n</svg>\n",
      left, left + 420);
  return svg;
}

}  // namespace furrow::week
